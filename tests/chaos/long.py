"""The long run, ``hatch run chaos``: kills, faults and outages under load, and a table of figures.

Exits with 1 when a figure is missed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random, SystemRandom

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))

from support.cron_storm import CronStorm
from support.every_request import Point, die_at, run_points
from support.fleet import Fleet
from support.invariants import broken
from support.proxy import Act, FaultyProxy, nth
from support.reliable_storm import GUARD_S, reliable
from support.server import Server
from support.spool_storm import Storm
from support.tally import Death, kill, restart_times_s, tally
from support.unique_storm import UniqueStorm
from support.waiting import until

THREADS = 10
SURPLUS = 1
WORKERS = 3
LEASE_S = 5.0
RESTART_S = 30.0  # beyond the lease
JOBS_A_KILL = 300  # 100 kills under 30,000 jobs
BATCH = 2_000
LONGEST_MS = 60.0
FREEZE_S = 20.0
SILENT_S = 15.0
DURABLE = ("--appendonly", "yes", "--appendfsync", "always")
QUICK = ("--appendonly", "no")


@dataclass
class Table:
    """The figures, each with what it must be."""

    rows: list[tuple[str, str, str, bool]] = field(default_factory=list)

    def add(self, what: str, value: object, wanted: str, ok: bool) -> None:
        """One figure; it is printed at once."""
        self.rows.append((what, str(value), wanted, ok))
        print(f"  {'ok  ' if ok else 'MISS'} {what}: {value} (wanted: {wanted})", flush=True)

    def show(self) -> None:
        """All of it."""
        widths = [max(len(row[k]) for row in self.rows) for k in range(3)]
        print()
        for what, value, wanted, ok in self.rows:
            print(f"{what:<{widths[0]}}  {value:>{widths[1]}}  {wanted:<{widths[2]}}  {'ok' if ok else 'MISSED'}")

    @property
    def ok(self) -> bool:
        """True when no figure is missed."""
        return all(row[3] for row in self.rows)


@contextmanager
def bed(
    options: tuple[str, ...], folder: Path, lease_s: float = LEASE_S, **settings: float
) -> Iterator[tuple[Server, Fleet]]:
    """A server and a fleet of their own."""
    server = Server(folder / "server", *options).start()
    fleet = Fleet(server.url, folder / "fleet", lease_s=lease_s, **settings)
    try:
        yield server, fleet
    finally:
        fleet.close()
        server.stop()


def judge(table: Table, part: str, fleet: Fleet, jids: list[str], *, doubles: int) -> None:
    """What holds for every part: nothing lost, no more twice than that, all in order."""
    counted = tally(fleet, jids)
    table.add(f"{part}: jobs", counted.jobs, "> 0", counted.jobs > 0)
    table.add(f"{part}: lost", len(counted.lost), "0", not counted.lost)
    table.add(f"{part}: unfinished", counted.unfinished, "0", not counted.unfinished)
    table.add(f"{part}: dead", counted.dead, "each with its reason", True)
    table.add(f"{part}: started twice", counted.doubles, f"<= {doubles}", counted.doubles <= doubles)
    codes = set(fleet.stop(60))
    table.add(f"{part}: exit codes", sorted(codes), "[0]", codes == {0})
    wrong = broken(fleet.raw, fleet.keys, lease_s=fleet.lease_s, living=())
    table.add(f"{part}: broken rules", wrong or 0, "0", not wrong)


# -- the parts -----------------------------------------------------------------------------------------------


def kills(table: Table, folder: Path, rng: Random, count: int, end_s: float) -> None:
    """``kill -9`` at random moments under load; now and then of all at once."""
    with bed(QUICK, folder) as (_server, fleet):
        jids: list[str] = []
        deaths: list[Death] = []
        workers = [fleet.start("-c", str(THREADS)) for _ in range(WORKERS)]
        while len(deaths) < count and time.monotonic() < end_s:
            while len(jids) < min(JOBS_A_KILL * count, JOBS_A_KILL * (len(deaths) + 1) + BATCH):
                jids += fleet.enqueue_many("work", [(rng.uniform(0, LONGEST_MS),) for _ in range(BATCH)])
            for _ in range(WORKERS if rng.random() < 0.05 else 1):
                victim = workers.pop(rng.randrange(len(workers)))
                victim.ready()
                threading.Event().wait(rng.uniform(0, 0.5))
                deaths.append(kill(victim))
            workers += [fleet.start("-c", str(THREADS)) for _ in range(WORKERS - len(workers))]
            if len(deaths) % 10 == 0:
                fleet.record.read()
                print(f"  … {len(deaths)} kills, {len(fleet.record.ended):,} of {len(jids):,} jobs", flush=True)
        until(lambda: fleet.idle() and fleet.ended(set(jids) - dead_of(fleet)), 300, "every job has ended")
        times_s = restart_times_s(fleet.record.read(), deaths)
        worst_s = max(times_s, default=0.0)
        table.add("kill -9: deaths", len(deaths), f"{count}, or the minutes are over", bool(deaths))
        table.add("kill -9: jobs that were running", len(times_s), "> 0", bool(times_s))
        allowed_s = LEASE_S + RESTART_S
        table.add(
            "kill -9: worst time to the next start, s", f"{worst_s:.1f}", f"<= {allowed_s:g}", worst_s <= allowed_s
        )
        # A worker may hold 2 ms of work beyond its threads, so a few more than threads x deaths may have begun. What
        # was in flight is the bound that is promised.
        held, bound = sum(death.in_flight for death in deaths), (THREADS + SURPLUS) * len(deaths)
        table.add("kill -9: threads x deaths", THREADS * len(deaths), "to compare with", True)
        table.add("kill -9: in flight at the deaths", held, f"<= {bound}: threads, and 2 ms of work", held <= bound)
        judge(table, "kill -9", fleet, jids, doubles=held)


def dead_of(fleet: Fleet) -> set[str]:
    """The jids in the dead set."""
    return {json.loads(raw)["jid"] for raw in fleet.raw.zrange(fleet.keys.dead, 0, -1)}


def rolls(table: Table, folder: Path, rng: Random, count: int) -> None:
    """TERM in turns under load."""
    with bed(QUICK, folder) as (_server, fleet):
        jids: list[str] = []
        workers = [fleet.start("-c", str(THREADS)) for _ in range(2)]
        codes = set()
        for _ in range(count):
            jids += fleet.enqueue_many("work", [(rng.uniform(0, LONGEST_MS),) for _ in range(200)])
            workers[0].ready()
            threading.Event().wait(rng.uniform(0, 0.3))
            old = workers.pop(0)
            workers.append(fleet.start("-c", str(THREADS)))
            old.terminate()
            codes.add(old.wait(60))
        until(lambda: fleet.idle() and fleet.ended(jids), 120, "every job has ended")
        table.add("rolling TERM: times", count, f"{count}", True)
        table.add("rolling TERM: exit codes in turn", sorted(codes), "[0]", codes == {0})
        judge(table, "rolling TERM", fleet, jids, doubles=0)


def every_request(table: Table, folder: Path, most: int) -> None:
    """A worker killed at every single request of its life, before and after it took effect."""
    server = Server(folder / "server", *QUICK).start()
    made: list[tuple[Fleet, FaultyProxy]] = []
    names = (f"point{number}" for number in itertools.count())
    naming = threading.Lock()

    def make(_number: int) -> tuple[Fleet, FaultyProxy]:
        with naming:
            name = next(names)
        one = Fleet(server.url, folder / name, namespace=name, lease_s=2.0), FaultyProxy.before(server.url)
        made.append(one)
        return one

    try:
        whole = die_at(Point("", 1_000_000, Act.CUT), *make(0))
        count = min(len(whole.proxy.seen), most)
        points = [Point("", number, act) for number in range(1, count + 1) for act in (Act.CUT, Act.LOSE)]
        results = []
        for start in range(0, len(points), 24):
            results += run_points(points[start : start + 24], make, at_a_time=3)
            close(made)
            print(f"  … {len(results)} of {len(points)} points", flush=True)
        wrong = [f"{one.point} ({one.reached}): {what}" for one in results for what in one.wrong]
        reached = sum(bool(one.reached) for one in results)
        table.add("every request: points", f"{reached} of {len(points)}", "most of them", reached > len(points) / 2)
        table.add("every request: wrong ends", len(wrong), "0", not wrong)
        for line in wrong:
            print("   ", line.strip())
        kinds = Counter(one.reached for one in results if one.reached)
        print("   ", ", ".join(f"{name} {count}" for name, count in sorted(kinds.items())))
    finally:
        close(made)
        server.stop()


def close(made: list[tuple[Fleet, FaultyProxy]]) -> None:
    """What the points so far have opened."""
    while made:
        fleet, proxy = made.pop()
        fleet.close()
        proxy.close()


def faults(table: Table, folder: Path, rng: Random, jobs: int) -> None:
    """Requests and replies lost, torn, late, reset and overtaken at random; then a connection that falls silent."""
    with bed(QUICK, folder, lease_s=20.0) as (server, fleet):
        proxy = FaultyProxy.before(server.url)
        worker = fleet.start("-c", str(THREADS), url=proxy.url).ready()
        for act in (Act.CUT, Act.LOSE, Act.TEAR, Act.RESET, Act.LATE, Act.STRAGGLE):
            when = lambda one: one.name not in ("HELLO", "CLIENT") and rng.random() < 0.01  # noqa: E731
            proxy.fault(when, act, times=None, seconds=0.5)
        jids = fleet.enqueue_many("work", [(rng.uniform(0, 10),) for _ in range(jobs)])
        jids += [fleet.enqueue(job) for job in ("flaky", "snoozer", "awork") for _ in range(100)]
        until(lambda: not worker.alive or (fleet.ended(jids) and fleet.idle()), 600, "every job has ended")
        proxy.heal()
        disturbed = proxy.counts["resync"]
        table.add("faults: requests", len(proxy.seen), "> 0", True)
        table.add("faults: exchanges in doubt", disturbed, "> 0", disturbed > 0)
        silent = proxy.fault(nth("exchange"), Act.MUTE)
        jids.append(fleet.enqueue("work"))
        silent.done.wait(30)
        began_s = time.monotonic()
        until(lambda: fleet.ended(jids) and fleet.idle(), 60, "the silence was seen")
        seen_s = time.monotonic() - began_s
        table.add("faults: silence seen after, s", f"{seen_s:.1f}", f"<= {SILENT_S + 1:g}", seen_s <= SILENT_S + 1)
        judge(table, "faults", fleet, jids, doubles=0)
        proxy.close()


def outages(table: Table, folder: Path, rng: Random, rounds: int) -> None:
    """Redis killed and restarted, frozen, emptied of scripts, its clients killed."""
    with bed(DURABLE, folder) as (server, fleet):
        for _ in range(2):
            fleet.start("-c", str(THREADS)).ready()
        jids: list[str] = []
        worst_s = 0.0
        for number in range(rounds):
            jids += fleet.enqueue_many("work", [(rng.uniform(1, 20),) for _ in range(2000)])
            disturb = rng.choice([server.restart, fleet.raw.script_flush, lambda: kill_clients(fleet)])
            threading.Event().wait(rng.uniform(0, 0.5))
            if number == rounds - 1:
                server.freeze()
                threading.Event().wait(FREEZE_S)
                server.thaw()
            else:
                disturb()
            worst_s = max(worst_s, resumed_s(fleet))
        until(lambda: fleet.ended(jids) and fleet.idle(), 120, "every job has ended")
        table.add("outages: of Redis, the last one frozen", rounds, f"{rounds}", True)
        table.add("outages: worst time to go on, s", f"{worst_s:.1f}", "<= 5", worst_s <= 5)
        judge(table, "outages", fleet, jids, doubles=0)


def kill_clients(fleet: Fleet) -> None:
    """Every connection but our own."""
    fleet.raw.client_kill_filter(_type="normal", skipme=True)


def resumed_s(fleet: Fleet) -> float:
    """Seconds from now until another job starts."""
    now_s = time.monotonic()
    until(lambda: any(effect.at_s > now_s for effect in fleet.record.read()[-1:]), 60, "work goes on")
    return next(effect.at_s for effect in fleet.record.read() if effect.at_s > now_s) - now_s


def spool(table: Table, folder: Path, rng: Random, rounds: int) -> None:
    """Producers with a spool: Redis and they themselves killed again and again."""
    folder.mkdir()
    server = Server(folder / "server", *DURABLE).start()
    storm = Storm(server, folder, rng)
    try:
        found = storm.run(rounds)
    finally:
        storm.close()
        server.stop()
    table.add(
        "spool: outages, producers killed", f"{found.outages}, {found.kills}", f"{rounds}", found.outages == rounds
    )
    table.add("spool: jobs, most kept at once", f"{found.acknowledged}, {found.kept}", "> 0", bool(found.kept))
    table.add("spool: lost", found.lost, "0", not found.lost)
    table.add("spool: twice", found.twice, "0", not found.twice)
    table.add("spool: out of order", found.out_of_order or 0, "0", not found.out_of_order)


def cron(table: Table, folder: Path, rng: Random, rounds: int) -> None:
    """Workers of a crontab killed and frozen around its instants, and Redis restarted."""
    folder.mkdir()
    server = Server(folder / "server", *DURABLE).start()
    storm = CronStorm(server, folder, rng)
    try:
        found = storm.run(rounds)
    finally:
        storm.close()
        server.stop()
    struck = f"{found.kills}, {found.freezes}, {found.restarts}"
    table.add("cron: instants; kills, freezes, restarts", f"{found.instants}; {struck}", "> 0", found.instants > 0)
    table.add("cron: missing", found.missing[:5] or 0, "0", not found.missing)
    table.add("cron: twice", found.twice[:5] or 0, "0", not found.twice)
    table.add("cron: the latest, s", found.latest_s, "<= 15", found.latest_s <= 15)


def unique(table: Table, folder: Path, rng: Random, rounds: int) -> None:
    """Workers killed while unique jobs run that a producer asks for all the time."""
    folder.mkdir()
    server = Server(folder / "server", *QUICK).start()
    storm = UniqueStorm(server, folder, rng)
    try:
        found = storm.run(rounds)
    finally:
        storm.close()
        server.stop()
    table.add(
        "unique: kills; accepted, begun", f"{found.kills}; {found.accepted}, {found.begun}", "> 0", found.begun > 0
    )
    table.add("unique: lost", found.lost, "0", not found.lost)
    table.add("unique: beside another", found.beside, "0", not found.beside)
    table.add("unique: locks left", found.locks, "0", not found.locks and found.sound)


# -- the command ---------------------------------------------------------------------------------------------


def main() -> int:
    """Run the parts, show the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--kills", type=int, default=100, help="how many workers to kill (default 100; 1000 is the figure)"
    )
    parser.add_argument("--seed", type=int, default=None, help="repeat a run")
    parser.add_argument("--minutes", type=float, default=60.0, help="the most that the killing takes (default 60)")
    parser.add_argument("--rolls", type=int, default=50, help="how often to restart by TERM (default 50)")
    parser.add_argument("--points", type=int, default=1000, help="the most requests to be killed at (default: all)")
    parser.add_argument("--spools", type=int, default=40, help="outages while producers have a spool (default 40)")
    parser.add_argument("--uniques", type=int, default=30, help="kills while unique jobs run (default 30)")
    parser.add_argument("--crons", type=int, default=60, help="instants of a crontab (default 60)")
    parser.add_argument("--seeds", type=int, default=50, help="lots of twenty jobs, one poisonous (default 50)")
    parser.add_argument(
        "--only",
        nargs="*",
        default=[],
        help="names of parts: kills rolls requests faults outages spool cron unique reliable",
    )
    given = parser.parse_args()
    seed = SystemRandom().randrange(1_000_000) if given.seed is None else given.seed
    rng, table, began_s = Random(seed), Table(), time.monotonic()
    print(f"seed {seed}")
    logging.getLogger("offsider").setLevel(logging.CRITICAL)  # this process's own part; workers have files
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts: dict[str, Callable[[Path], None]] = {
            "kills": lambda to: kills(table, to, rng, given.kills, began_s + 60 * given.minutes),
            "rolls": lambda to: rolls(table, to, rng, given.rolls),
            "requests": lambda to: every_request(table, to, given.points),
            "faults": lambda to: faults(table, to, rng, 3000),
            "outages": lambda to: outages(table, to, rng, 12),
            "spool": lambda to: spool(table, to, rng, given.spools),
            "cron": lambda to: cron(table, to, rng, given.crons),
            "unique": lambda to: unique(table, to, rng, given.uniques),
            "reliable": lambda to: reliable(
                table.add,
                lambda lot: bed(QUICK, to / lot, lease_s=60.0, guard_s=GUARD_S),
                rng,
                kills=given.kills,
                seeds=given.seeds,
                end_s=began_s + 60 * given.minutes,
            ),
        }
        for part, run in parts.items():
            if not given.only or part in given.only:
                print(f"{part}:", flush=True)
                run(folder / part)
    table.show()
    verdict = "every figure is met" if table.ok else "A FIGURE IS MISSED"
    print(f"\nseed {seed}, {time.monotonic() - began_s:.0f} s: {verdict}")
    return 0 if table.ok else 1


if __name__ == "__main__":
    sys.exit(main())
