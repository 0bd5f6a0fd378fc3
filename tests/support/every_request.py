"""One worker's whole life through a proxy, with its death at one chosen request, and what a successor makes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from offsider.store.scripts import all_scripts
from offsider.worker.worker import Worker

from . import invariants
from .fleet import Fleet
from .proxy import Act, Fault, FaultyProxy, nth, number
from .tally import tally
from .waiting import until

THREADS = 4
GARBAGE = b"no job at all"
GHOST = "ghost:1:000000000000/default/1"
PRODUCER = """
from support.load import app
work = app.jobs["work"]
work.enqueue()
work.using(delay=600).enqueue()
work.enqueue_many([()] * 6, batch_size=3)
"""


@dataclass(frozen=True)
class Point:
    """A moment in a process's life.

    Attributes:
        name: Of the request; empty for the n-th of all.
        nth: Which of them.
        act: CUT: before Redis sees it. LOSE: when Redis has done it.
    """

    name: str
    nth: int
    act: Act

    def __str__(self) -> str:
        return f"{'before' if self.act is Act.CUT else 'after'} {self.name or 'request'} {self.nth}"


@dataclass
class Result:
    """What became of one point."""

    point: Point
    fleet: Fleet
    jids: list[str]
    proxy: FaultyProxy
    reached: str = ""
    doubles: int = 0
    wrong: list[str] = field(default_factory=list)


Make = Callable[[int], tuple[Fleet, FaultyProxy]]


def run_points(points: Sequence[Point], make: Make, *, at_a_time: int) -> list[Result]:
    """Kill a worker at each point, then let a successor finish each one's work, and look.

    Args:
        points: Where to kill.
        make: Makes the fleet, in a namespace of its own, and the proxy of a point.
        at_a_time: How many at once.
    """
    with ThreadPoolExecutor(at_a_time) as pool:
        results = list(pool.map(lambda one: die_at(one[1], *make(one[0])), enumerate(points)))
    with ThreadPoolExecutor(max(len(points), 1)) as pool:  # successors mostly wait for a lease to end
        list(pool.map(succeed, results))
    return results


def die_at(point: Point, fleet: Fleet, proxy: FaultyProxy) -> Result:
    """A worker's life until the point, or to its end where the point is never reached."""
    result = Result(point, fleet, scenario(fleet), proxy)
    when = nth(point.name, point.nth) if point.name else number(point.nth)
    worker = fleet.start("-c", str(THREADS), url=proxy.url)
    fault = proxy.add(Fault(when, point.act, then=lambda _: worker.kill()))
    until(lambda: not worker.alive or _done(result), 30, f"{point}: reached, or everything done")
    if worker.alive:
        worker.terminate()
        worker.wait()
    if fault.hit:
        result.reached = fault.hit[0].name
    elif worker.process.returncode != 0:
        result.wrong.append(f"the worker ended with {worker.process.returncode}: {worker.output()}")
    return result


def scenario(fleet: Fleet) -> list[str]:
    """One job of each fate: done, failed once, dead, snoozed, scheduled, one that enqueues, and a dead worker's."""
    for script in all_scripts():
        fleet.raw.script_load(script.text)  # so that the n-th request of a name is the n-th time it is done
    keys, raw = fleet.keys, fleet.raw
    jids = [fleet.enqueue("work") for _ in range(2)]
    raw.zadd(keys.owners, {GHOST: 1})
    raw.hset(keys.inflight(GHOST), "1:default", raw.rpop(keys.queue("default")))
    jids += [fleet.enqueue(job) for job in ("flaky", "hopeless", "snoozer", "awork")]
    jids += [fleet.enqueue("parent", 2), fleet.enqueue("work", delay=0.3)]
    raw.lpush(keys.queue("default"), GARBAGE)
    return jids


def succeed(result: Result) -> None:
    """Another worker, of this process, takes over; then everything must be as if nobody had died."""
    fleet = result.fleet
    worker = Worker(fleet.app, concurrency=THREADS)
    worker.start()
    try:
        until(lambda: _done(result), 30)
        until(lambda: fleet.raw.zcard(fleet.keys.owners) == 1, 30, "the dead one's lease has ended")
    except AssertionError:
        result.wrong.append(f"unfinished: {tally(fleet, result.jids)}")
    finally:
        worker.stop(2.0)
    result.wrong += invariants.broken(fleet.raw, fleet.keys, lease_s=fleet.lease_s, living=(), strangers=False)
    counted = tally(fleet, result.jids)
    result.doubles = counted.doubles
    if counted.lost or counted.dead != 1 or counted.doubles > THREADS:
        result.wrong.append(str(counted))
    apart = [raw for place, raw in invariants.read(fleet.raw, fleet.keys).unread if place == "quarantine"]
    if apart != [GARBAGE]:
        result.wrong.append(f"in quarantine: {apart}")


def _done(result: Result) -> bool:
    counted = tally(result.fleet, result.jids)
    return not counted.unfinished and not counted.lost and result.fleet.idle()
