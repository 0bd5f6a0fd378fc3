"""Jobs that kill, starve or fill their process: they end as dead, their neighbours do not."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.fleet import Fleet
from support.invariants import assert_sound
from support.tally import tally
from support.waiting import until

LEASE_S = 2.0
MOST_RUNS = 4  # the first, and three again


def supervise(fleet: Fleet, until_true: Callable[[], bool], *, threads: int, timeout_s: float = 40) -> int:
    """Start the worker again whenever it has died; returns how often it did."""
    deaths = 0

    def look() -> bool:
        nonlocal deaths
        if not fleet.workers[-1].alive:
            deaths += 1
            fleet.end_leases()
            fleet.start("-c", str(threads))
        return until_true()

    fleet.start("-c", str(threads))
    until(look, timeout_s, "what the supervised workers are to do")
    return deaths


def dead(fleet: Fleet) -> dict[str, dict[str, object]]:
    """The dead set: jid → record."""
    return {record["jid"]: record for record in map(json.loads, fleet.raw.zrange(fleet.keys.dead, 0, -1))}


@pytest.mark.timeout(60)
def test_a_job_that_kills_its_process_runs_four_times_and_is_dead(
    redis_url: str, make_fleet: Callable[..., Fleet], tell: Callable[..., str]
) -> None:
    def kill_by(how: str) -> None:
        fleet = make_fleet(redis_url, namespace=how)
        poison = fleet.enqueue("poison", how)
        deaths = supervise(fleet, lambda: poison in dead(fleet), threads=2)
        figures = tell(how=how, starts=fleet.started(poison), deaths=deaths)
        assert fleet.started(poison) == MOST_RUNS, figures
        assert deaths == MOST_RUNS, figures
        record = dead(fleet)[poison]
        assert record["error_class"] == "offsider.ProcessLost"
        assert "lost 4 times" in str(record["error_message"])
        after = fleet.enqueue("work")
        until(lambda: fleet.ended([after]), 10)
        assert fleet.stop() == [0], fleet.logs()
        assert_sound(fleet.raw, fleet.keys, lease_s=LEASE_S, living=(), note=figures)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(kill_by, ("kill", "segfault", "exit")))


@pytest.mark.timeout(60)
def test_short_jobs_beside_a_poisonous_one_all_end(fleet: Fleet, tell: Callable[..., str]) -> None:
    jids = fleet.enqueue_many("work", [(5,)] * 100)
    poison = fleet.enqueue("poison", "kill", 50)
    jids += fleet.enqueue_many("work", [(5,)] * 100)
    supervise(fleet, lambda: poison in dead(fleet) and fleet.ended(jids) and fleet.idle(), threads=4)
    counted = tally(fleet, jids)
    figures = tell(tally=counted, poison_starts=fleet.started(poison))
    assert counted.dead == 0, figures
    assert not counted.lost, figures
    assert fleet.stop() == [0], fleet.logs()
    assert_sound(fleet.raw, fleet.keys, lease_s=LEASE_S, living=(), note=figures)


@pytest.mark.timeout(60)
def test_a_long_job_beside_a_poisonous_one_ends_or_is_kept_as_dead_with_it(
    fleet: Fleet, tell: Callable[..., str]
) -> None:
    """Deaths are counted in company here: who is in flight in four of them is dead with the poison, and not lost."""
    innocent = fleet.enqueue_many("hold", [("go",)] * 2)
    poison = fleet.enqueue("poison", "kill", 50)
    supervise(fleet, lambda: poison in dead(fleet), threads=4)
    fleet.flag("go")
    supervise(fleet, lambda: all(fleet.ended([jid]) or jid in dead(fleet) for jid in innocent), threads=4)
    counted = tally(fleet, innocent)
    figures = tell(tally=counted)
    assert not counted.lost, figures
    assert all(dead(fleet)[jid]["error_class"] == "offsider.ProcessLost" for jid in innocent if jid in dead(fleet))
    assert set(fleet.stop()) == {0}, fleet.logs()
    assert_sound(fleet.raw, fleet.keys, lease_s=LEASE_S, living=(), note=figures)


def test_a_job_that_keeps_the_interpreter_to_itself_costs_nobody_his_lease(
    fleet: Fleet, tell: Callable[..., str]
) -> None:
    fleet.start("-c", "3")
    fleet.start("-c", "3")
    jids = [fleet.enqueue("hog", 1), *fleet.enqueue_many("work", [(20,)] * 50)]
    until(lambda: fleet.ended(jids) and fleet.idle(), 20, "every job has ended")
    counted = tally(fleet, jids)
    assert counted.doubles == 0, tell(tally=counted)
    assert set(fleet.stop()) == {0}, fleet.logs()
    assert_sound(fleet.raw, fleet.keys, lease_s=LEASE_S, living=())


def test_a_job_that_uses_up_the_memory_fails_alone_and_its_worker_goes_on(
    fleet: Fleet, tell: Callable[..., str]
) -> None:
    worker = fleet.start("-c", "3").ready()
    until(lambda: fleet.raw.scard(fleet.keys.processes), 10, "all of it has started")
    jids = [fleet.enqueue("glutton"), *fleet.enqueue_many("work", [(20,)] * 60)]
    with contextlib.suppress(AssertionError):  # the tally and the log say more
        until(lambda: not worker.alive or (fleet.ended(jids) and fleet.idle()), 15)
    assert worker.alive, worker.output()
    counted = tally(fleet, jids)
    figures = tell(tally=counted)
    assert not counted.lost, f"{figures}\n{worker.output()}"
    assert not counted.unfinished, f"{figures}\n{worker.output()}"
    assert not counted.dead, f"{figures}\n{worker.output()}"
    assert counted.doubles == 0, figures
    assert fleet.started(jids[0]) == 2, "the glutton's first attempt failed, its second did not"
    held = fleet.enqueue_many("hold", [("go",)] * 3)
    until(lambda: all(fleet.started(jid) for jid in held), 5, "three at once, as before")
    fleet.flag("go")
    until(lambda: fleet.ended(held) and fleet.idle(), 10)
    assert fleet.stop() == [0], fleet.logs()
    assert_sound(fleet.raw, fleet.keys, lease_s=LEASE_S, living=(), note=figures)
