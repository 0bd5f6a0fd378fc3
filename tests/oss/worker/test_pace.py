"""How much work may be in hand: the free slots, and a surplus only while jobs take microseconds."""

from __future__ import annotations

import threading

import pytest

from offsider.worker.pace import MOST_SURPLUS, SURPLUS_S, Pace
from support.bench import Bench
from support.waiting import until


def at_rate(jobs_a_second: float, concurrency: int = 10) -> Pace:
    """A pace that has seen this rate for a second."""
    pace = Pace(concurrency)
    pace.done(0, 100.0)
    for step in range(1, 65):
        pace.done(round(jobs_a_second / 64), 100.0 + step / 64)
    return pace


def test_a_new_capsule_holds_no_more_than_its_slots() -> None:
    assert Pace(3).allowed == 3


@pytest.mark.parametrize(("rate", "surplus"), [(128, 0), (448, 0), (6_400, 12), (64_000, 128)])
def test_the_surplus_is_two_milliseconds_of_work(rate: int, surplus: int) -> None:
    assert at_rate(rate).allowed == 10 + surplus
    assert surplus <= rate * SURPLUS_S


def test_the_surplus_is_bounded() -> None:
    assert at_rate(10_000_000).allowed == 10 + MOST_SURPLUS


@pytest.mark.parametrize(
    ("rate", "long_s", "brisk"), [(64_000, 0.0, True), (64_000, 0.1, True), (64_000, 0.4, False), (100, 0.0, False)]
)
def test_one_thread_is_enough_while_bodies_neither_wait_nor_are_few(rate: int, long_s: float, brisk: bool) -> None:
    pace = Pace(10)
    pace.done(0, 100.0)
    pace.done(rate, 101.0, long_s)
    assert pace.brisk is brisk
    pace.forget()
    assert not pace.brisk


def test_a_rate_over_a_moment_is_not_believed() -> None:
    pace = Pace(10)
    pace.done(0, 100.0)
    pace.done(1000, 100.001)
    assert pace.allowed == 10


def test_what_was_counted_in_a_moment_counts_when_the_time_is_over() -> None:
    pace = Pace(10)
    pace.done(0, 100.0)
    pace.done(50, 100.0 + 1 / 1024)
    pace.done(50, 100.0 + 1 / 64)
    assert pace.allowed == 10 + 12


def test_long_jobs_take_the_surplus_away_at_once() -> None:
    pace = at_rate(50_000)
    pace.forget()
    assert pace.allowed == 10


def test_a_pause_takes_the_surplus_away() -> None:
    pace = at_rate(50_000)
    pace.done(1, 160.0)
    assert pace.allowed == 10


def test_a_worker_with_long_jobs_does_not_take_and_return_others_again_and_again(bench: Bench) -> None:
    """After a stream of short jobs it took more than its slots; the first look at the long ones ends that."""
    gate, ran = threading.Event(), threading.Semaphore(0)

    @bench.app.job(name="job")
    def job(long: bool) -> None:
        if long:
            ran.release()
            gate.wait(20)

    def requests() -> int:
        calls: int = bench.raw.info("commandstats")["cmdstat_evalsha"]["calls"]
        return calls

    job.enqueue_many([(False,)] * 400 + [(True,)] * 30)
    bench.start(concurrency=2)
    try:
        for _ in range(2):
            assert ran.acquire(timeout=10)
        until(lambda: bench.raw.llen(bench.key("queue:default")) == 28)
        before = requests()
        assert not gate.wait(0.5)
        assert requests() - before < 40, "leases, recovery and schedule only"
    finally:
        gate.set()
