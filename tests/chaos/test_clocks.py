"""Clocks that are wrong by a day: nothing is early because of a worker's, nothing is stuck because of Redis'.

A worker's clock is stepped where this house reads it. Redis' own clock cannot be stepped without stepping the
machine's: what a step leaves behind, leases that are a day off, is put there instead.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from support.fleet import Fleet
from support.invariants import assert_sound
from support.tally import tally
from support.waiting import until

DAY_S = 86_400.0
LEASE_S = 2.0


def test_workers_whose_clocks_are_a_day_off_do_everything_at_its_time_and_once(
    fleet: Fleet, tell: Callable[..., str]
) -> None:
    for step_s in (DAY_S, -DAY_S):
        fleet.start("-c", "6", clock_step_s=step_s).ready()
    enqueued_s = time.monotonic()
    soon, later = fleet.enqueue("work", delay=1.0), fleet.enqueue("work", delay=120)
    jids = [soon, *(fleet.enqueue(job) for job in ("work", "awork", "flaky", "snoozer") for _ in range(3))]
    held = fleet.enqueue_many("hold", [("go",)] * 6)
    until(lambda: fleet.ended(jids), 15, "every job that is due has ended")
    started_s = next(one.at_s for one in fleet.record.read() if one.jid == soon) - enqueued_s
    threading.Event().wait(LEASE_S)  # in which one would take the other for dead
    fleet.flag("go")
    until(lambda: fleet.ended(held), 10)
    counted = tally(fleet, [*jids, *held])
    figures = tell(tally=counted, scheduled_for_s=1.0, started_after_s=round(started_s, 2))
    assert 0.9 < started_s < 3, figures
    assert fleet.started(later) == 0, "a job was run two minutes early"
    assert counted.doubles == 0, figures
    assert {one.pid for one in fleet.record.read()} == {one.pid for one in fleet.workers}, "both have worked"
    assert set(fleet.stop()) == {0}, fleet.logs()
    assert_sound(fleet.raw, fleet.keys, lease_s=LEASE_S, living=(), note=figures)


def test_a_lease_that_redis_clock_left_a_day_ahead_does_not_keep_a_dead_workers_jobs(
    fleet: Fleet, tell: Callable[..., str]
) -> None:
    victim = fleet.start("-c", "3")
    jids = fleet.enqueue_many("hold", [("go",)] * 3)
    until(lambda: all(fleet.started(jid) for jid in jids), 15, "all of them run")
    owner = victim.owner()
    assert owner is not None
    died_s = victim.kill()
    fleet.raw.zincrby(fleet.keys.owners, DAY_S * 1000, owner)
    fleet.flag("go")
    fleet.start("-c", "3")
    until(lambda: fleet.ended(jids) and fleet.idle(), LEASE_S + 30, "its jobs run elsewhere")
    figures = tell(started_again_after_s=round(max(one.at_s for one in fleet.record.read()) - died_s, 2))
    assert fleet.stop() == [0], fleet.logs()
    assert_sound(fleet.raw, fleet.keys, lease_s=LEASE_S, living=(), note=figures)
