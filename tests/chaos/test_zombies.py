"""Workers that are frozen for longer than their lease and wake up: what they say then is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable

from support.fleet import Fleet, WorkerProcess
from support.invariants import assert_sound, read
from support.tally import tally
from support.waiting import until

LEASE_S = 2.0
FROZEN_S = 3 * LEASE_S
THREADS = 3


def freeze_in_the_middle(fleet: Fleet, jids: list[str]) -> tuple[WorkerProcess, WorkerProcess]:
    """A zombie whose jobs are recovered by another worker, which runs them now."""
    zombie = fleet.start("-c", str(THREADS))
    until(lambda: all(fleet.started(jid) == 1 for jid in jids), 15, "the jobs run")
    zombie.freeze()
    other = fleet.start("-c", str(2 * THREADS))
    until(lambda: all(fleet.started(jid) == 2 for jid in jids), FROZEN_S + 30, "the jobs run a second time")
    return zombie, other


def test_what_a_zombie_acknowledges_is_refused_while_its_jobs_run_elsewhere(
    fleet: Fleet, tell: Callable[..., str]
) -> None:
    jids = fleet.enqueue_many("hold", [("go",)] * THREADS)
    zombie, other = freeze_in_the_middle(fleet, jids)
    other.freeze()  # so that only the zombie sees the flag
    fleet.flag("go")
    zombie.thaw()
    ended = lambda: {one.jid for one in fleet.record.read() if one.kind == "E" and one.pid == zombie.pid}  # noqa: E731
    until(lambda: ended() == set(jids), 10, "the zombie's bodies end")
    until(lambda: f"{zombie.pid}:" in " ".join(read(fleet.raw, fleet.keys).owners), 10, "it has a new lease")
    state = read(fleet.raw, fleet.keys)
    places = [state.places.get(jid) for jid in jids]
    assert all(place and f":{other.pid}:" in place[0] for place in places), f"the zombie took them away: {places}"
    other.thaw()
    until(lambda: fleet.idle(), 20, "the other acknowledges its own")
    counted = tally(fleet, jids)
    figures = tell(tally=counted)
    assert counted.worst == 2, figures
    assert zombie.alive
    assert set(fleet.stop()) == {0}, fleet.logs()
    assert_sound(fleet.raw, fleet.keys, lease_s=LEASE_S, living=(), note=figures)


def test_a_zombie_repeats_no_more_than_what_it_had_in_flight(fleet: Fleet, tell: Callable[..., str]) -> None:
    held = fleet.enqueue_many("hold", [("go",)] * THREADS)
    zombie, _other = freeze_in_the_middle(fleet, held)
    jids = [*held, *fleet.enqueue_many("work", [(5,)] * 200)]
    fleet.flag("go")
    threading.Event().wait(0.05)
    zombie.thaw()
    until(lambda: fleet.ended(jids) and fleet.idle(), 20, "every job has ended")
    counted = tally(fleet, jids)
    figures = tell(tally=counted, frozen_s=FROZEN_S, bound=THREADS)
    assert not counted.lost, figures
    assert counted.doubles <= THREADS, figures
    more = fleet.enqueue_many("work", [(5,)] * 100)
    until(lambda: fleet.ended(more), 10)
    by_zombie = sum(one.pid == zombie.pid for one in fleet.record.read())
    assert by_zombie > 2 * THREADS, f"{figures}: the zombie works again, as somebody new: {by_zombie}"
    assert set(fleet.stop()) == {0}, fleet.logs()
    assert_sound(fleet.raw, fleet.keys, lease_s=LEASE_S, living=(), note=figures)
