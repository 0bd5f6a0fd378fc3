"""The locks are held against the jobs: who is nowhere loses its lock, who is anywhere keeps it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from offsider.worker.worker import Worker
from offsider_enterprise.unique import Unique
from offsider_enterprise.unique.check_service import LockCheck
from offsider_enterprise.unique.liveness import Liveness
from offsider_enterprise.unique.stamp import stamp_of
from support.waiting import until

from .conftest import UniqueBench


def look(liveness: Liveness, times: int = 1) -> int:
    """So many looks; how many locks were ended."""
    return sum(sum(liveness.steps()) for _ in range(times))


@pytest.fixture
def liveness(bench: UniqueBench) -> Liveness:
    return Liveness(bench.app)


def test_a_job_in_any_place_keeps_its_lock(bench: UniqueBench, liveness: Liveness) -> None:
    sync = bench.job(Unique(by="account"))
    for account in range(1500):
        sync.enqueue(account)
        if account == 0:
            bench.take()
    sync.using(delay=60).enqueue_many([(k,) for k in range(2000, 2300)])
    sync.using(queue="other").enqueue(9000)
    retried = sync.enqueue(9001)
    payload = bench.raw.lindex(bench.key("queue:default"), 0)
    bench.raw.lrem(bench.key("queue:default"), 1, payload)
    bench.raw.zadd(bench.key("retry"), {payload: 4e9})
    assert json.loads(payload)["jid"] == retried
    assert look(liveness, 3) == 0
    assert not liveness.suspects
    assert len(bench.locks) == 1500 + 300 + 2


def test_a_job_that_is_nowhere_loses_its_lock_with_the_second_look(bench: UniqueBench, liveness: Liveness) -> None:
    sync = bench.job(Unique(by="account"))
    sync.enqueue(1)
    kept = sync.using(queue="other").enqueue(2)
    bench.app.queues["default"].clear()
    assert look(liveness) == 0
    assert liveness.suspects
    assert look(liveness) == 1
    assert bench.holders() == {kept}


def test_a_queue_of_any_length_that_was_cleared_is_done_with_by_the_second_look(
    bench: UniqueBench, liveness: Liveness
) -> None:
    sync = bench.job(Unique(by="account"))
    sync.enqueue_many([(k,) for k in range(700)])
    kept = sync.using(queue="other").enqueue(9000)
    bench.app.queues["default"].clear()
    assert look(liveness) == 0
    assert look(liveness) == 700
    assert bench.holders() == {kept}


def test_a_job_that_is_met_the_other_way_round_keeps_its_lock(bench: UniqueBench, liveness: Liveness) -> None:
    """Handed back as it was, behind us, in both looks: only who comes from the workers meets it."""
    bench.job(True).enqueue(7)
    assert sum(went_back(bench, liveness)) == 0
    assert sum(went_back(bench, liveness)) == 0
    assert len(bench.locks) == 1


def went_back(bench: UniqueBench, liveness: Liveness) -> Iterator[int]:
    """A look during which the job is in flight until its queue was looked at, and back before its owner is."""
    payload = bench.take("busy")
    hidden = [True]
    owners = liveness._owners

    def back() -> list[str]:
        if hidden:
            hidden.clear()
            bench.raw.delete(bench.key("inflight:busy"))
            bench.raw.rpush(bench.key("queue:default"), payload)
        return owners()

    liveness._owners = back  # type: ignore[method-assign]
    yield from liveness.steps()
    liveness._owners = owners  # type: ignore[method-assign]


def test_of_very_many_locks_each_has_its_turn(
    bench: UniqueBench, liveness: Liveness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offsider_enterprise.unique.liveness.MOST_LOCKS", 400)
    sync = bench.job(Unique(by="account"))
    sync.using(queue="other").enqueue_many([(k,) for k in range(1500)])
    sync.enqueue_many([(k,) for k in range(2000, 2600)])
    bench.app.queues["default"].clear()
    assert look(liveness, 12) == 600
    assert len(bench.locks) == 1500


def test_a_lock_whose_name_the_look_cannot_read_is_left_alone(bench: UniqueBench, liveness: Liveness) -> None:
    stamp_of(bench.app).digest = lambda canonical: f"no.letter:{len(canonical)}"
    bench.job(True).enqueue(7)
    assert look(liveness, 3) == 0
    assert len(bench.locks) == 1


def test_a_job_that_is_dead_or_in_quarantine_is_nowhere(bench: UniqueBench, liveness: Liveness) -> None:
    bench.job(True).enqueue(7)
    bench.raw.zadd(bench.key("dead"), {bench.raw.rpop(bench.key("queue:default")): 1})
    assert look(liveness, 2) == 1


def test_a_job_that_comes_back_between_two_looks_keeps_its_lock(bench: UniqueBench, liveness: Liveness) -> None:
    bench.job(True).enqueue(7)
    payload = bench.raw.rpop(bench.key("queue:default"))
    assert look(liveness) == 0
    bench.raw.lpush(bench.key("queue:default"), payload)
    assert look(liveness) == 0
    assert not liveness.suspects
    bench.raw.delete(bench.key("queue:default"))
    assert look(liveness) == 0, "it is missed for the first time again"


@pytest.mark.parametrize("unique", [Unique(600, policy="throttle"), Unique(600, until="expiry")])
def test_a_lock_for_a_time_needs_no_job(bench: UniqueBench, liveness: Liveness, unique: Unique) -> None:
    bench.job(unique).enqueue(7)
    bench.app.queues["default"].clear()
    assert look(liveness, 3) == 0
    assert len(bench.locks) == 1


def test_arguments_that_look_like_a_lock_end_none(bench: UniqueBench, liveness: Liveness) -> None:
    sync = bench.job(Unique(by="account"))
    sync.enqueue(1, '"unique_lock":"AAA"')
    assert look(liveness, 2) == 0
    assert len(bench.locks) == 1


# -- the service -----------------------------------------------------------------------------------------------


def test_a_worker_looks_by_itself_and_forgets_what_is_over(make_bench: Any) -> None:
    bench = make_bench(enterprise={"unique": {"check_s": 1}})
    sync = bench.job(Unique(by="account"))
    sync.using(queue="none").enqueue_many([(k,) for k in range(50)])
    sync.using(unique=Unique(0.01, policy="throttle", key="x"), queue="none").enqueue(99)
    bench.raw.zadd(bench.key("unique-replaced"), {"long ago": 1})
    bench.app.queues["none"].clear()
    bench.start()
    until(bench.is_clean, 20, "all locks are ended")


def test_one_process_at_a_time_has_the_turn(bench: UniqueBench) -> None:
    # They do not run: their own looks would take the turn, too.
    first, second = (LockCheck(Worker(bench.app, queues=["default"]), 30.0) for _ in range(2))
    assert first._has_turn()
    assert first._has_turn()
    assert not second._has_turn()
    assert 0 < bench.raw.ttl(bench.key("unique-turn")) <= 60
    bench.raw.delete(bench.key("unique-turn"))
    assert second._has_turn()
