"""Workers killed at random moments under load, and told to stop in turns."""

from __future__ import annotations

import threading
from collections.abc import Callable
from random import Random

from support.fleet import Fleet, WorkerProcess
from support.invariants import assert_sound
from support.tally import Death, kill, restart_times_s, tally
from support.waiting import until

KILLS = 8
ROLLS = 4
JOBS = 1000
THREADS = 5
SURPLUS = 2  # jobs of 1 to 30 ms that a worker may hold beyond its threads: 2 ms of work, as it was measured
LEASE_S = 2.0
ALLOWED_S = LEASE_S + 30


def let_work(worker: WorkerProcess, seconds: float) -> None:
    """Give it a while of work."""
    worker.ready()
    threading.Event().wait(seconds)
    assert worker.alive, worker.output()


def test_workers_killed_at_random_moments_lose_nothing(fleet: Fleet, rng: Random, tell: Callable[..., str]) -> None:
    jids = fleet.enqueue_many("work", [(rng.uniform(1, 30),) for _ in range(JOBS)])
    workers = [fleet.start("-c", str(THREADS)) for _ in range(2)]
    deaths: list[Death] = []
    for _ in range(KILLS):
        victim = workers.pop(rng.randrange(len(workers)))
        let_work(victim, rng.uniform(0, 0.2))
        deaths.append(kill(victim))
        workers.append(fleet.start("-c", str(THREADS)))
    until(lambda: fleet.ended(jids) and fleet.idle(), 40, "every job has ended")
    counted, bound = tally(fleet, jids), sum(death.in_flight for death in deaths)
    times_s = restart_times_s(fleet.record.read(), deaths)
    worst_s = max(times_s, default=0.0)
    figures = tell(tally=counted, kills=KILLS, bound=bound, in_flight_at_death=len(times_s), worst_restart_s=worst_s)
    assert not counted.lost, figures
    assert counted.doubles <= bound <= (THREADS + SURPLUS) * KILLS, figures
    assert worst_s <= ALLOWED_S, figures
    assert set(fleet.stop()) == {0}, fleet.logs()
    assert_sound(fleet.raw, fleet.keys, lease_s=LEASE_S, note=figures)


def test_all_workers_killed_at_once_lose_nothing(fleet: Fleet, rng: Random, tell: Callable[..., str]) -> None:
    jids = fleet.enqueue_many("work", [(rng.uniform(20, 200),) for _ in range(60)])
    workers = [fleet.start("-c", str(THREADS)) for _ in range(2)]
    for worker in workers:
        let_work(worker, 0.05)
    bound = sum(kill(worker).in_flight for worker in workers)
    fleet.start("-c", str(THREADS))
    until(lambda: fleet.ended(jids) and fleet.idle(), 30, "every job has ended")
    counted = tally(fleet, jids)
    figures = tell(tally=counted, bound=bound)
    assert not counted.lost, figures
    assert counted.doubles <= bound <= 2 * (THREADS + SURPLUS), figures
    assert fleet.stop() == [0], fleet.logs()
    assert_sound(fleet.raw, fleet.keys, lease_s=LEASE_S, living=(), note=figures)


def test_workers_that_are_told_to_stop_in_turns_lose_nothing_and_run_nothing_twice(
    fleet: Fleet, rng: Random, tell: Callable[..., str]
) -> None:
    jids = fleet.enqueue_many("work", [(rng.uniform(1, 60),) for _ in range(500)])
    workers = [fleet.start("-c", str(THREADS)) for _ in range(2)]
    for _ in range(ROLLS):
        let_work(workers[0], rng.uniform(0, 0.3))
        old = workers.pop(0)
        workers.append(fleet.start("-c", str(THREADS)))
        old.terminate()
        assert old.wait() == 0, old.output()
    until(lambda: fleet.ended(jids) and fleet.idle(), 40, "every job has ended")
    counted = tally(fleet, jids)
    figures = tell(tally=counted, rolls=ROLLS)
    assert not counted.lost, figures
    assert counted.doubles == 0, figures
    assert set(fleet.stop()) == {0}, fleet.logs()
    assert_sound(fleet.raw, fleet.keys, lease_s=LEASE_S, living=(), note=figures)
