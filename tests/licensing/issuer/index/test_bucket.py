"""Token buckets: how often somebody may ask, with a bounded memory."""

from __future__ import annotations

from offsider_issuer.index.bucket import Buckets


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_bucket_empties_and_fills_no_higher_than_its_burst() -> None:
    clock = Clock()
    buckets = Buckets(2, 1.0, clock)
    assert [buckets.take("a") for _ in range(3)] == [0.0, 0.0, 1.0]
    clock.now_s = 100.0
    assert [buckets.take("a") for _ in range(3)] == [0.0, 0.0, 1.0]


def test_waiting_as_long_as_was_said_is_enough() -> None:
    clock = Clock()
    buckets = Buckets(1, 0.1, clock)
    buckets.take("a")
    wait_s = buckets.take("a")
    clock.now_s += wait_s
    assert buckets.take("a") == 0.0


def test_asking_while_refused_costs_nothing() -> None:
    clock = Clock()
    buckets = Buckets(1, 1.0, clock)
    buckets.take("a")
    assert {buckets.take("a") for _ in range(100)} == {1.0}


def test_a_charge_is_paid_even_if_it_is_not_there() -> None:
    clock = Clock()
    buckets = Buckets(5, 1.0, clock)
    buckets.charge("a", 50.0)
    assert buckets.take("a") == 1.0


def test_memory_is_bounded_and_who_asks_often_is_remembered() -> None:
    clock = Clock()
    buckets = Buckets(1, 0.001, clock, most=100)
    buckets.take("busy")
    for number in range(1_000):
        buckets.take(f"other {number}")
        assert buckets.take("busy") > 0
    assert len(buckets) == 100
