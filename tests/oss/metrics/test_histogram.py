"""Times fall into Sidekiq's buckets, and percentiles lie on a straight line within one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offsider.contract.measures import BOUNDS_MS, BUCKETS
from offsider.metrics.histogram import Histogram, buckets_of


@given(st.lists(st.floats(-5, 500), min_size=1), st.floats(-10, 10))
def test_each_time_is_in_the_bucket_whose_bounds_it_lies_between(times_s: list[float], plus_s: float) -> None:
    def bucket(time_s: float) -> int:
        return sum(1 for bound in BOUNDS_MS if time_s + plus_s >= bound / 1000)

    expected = [bucket(one) for one in times_s]
    found = buckets_of(list(times_s), plus_s)
    # A sum and a difference of floats may differ in the last digit of a bound.
    assert sum(found.values()) == len(times_s)
    if all(abs(one + plus_s - bound / 1000) > 1e-9 for one in times_s for bound in BOUNDS_MS):
        assert found == {one: expected.count(one) for one in set(expected)}


@pytest.mark.parametrize(
    ("time_s", "bucket"), [(0.0, 0), (0.0199, 0), (0.02, 1), (0.03, 2), (334.9, 24), (335.0, 25), (1e9, 25)]
)
def test_a_bound_is_the_first_time_that_is_not_below_it(time_s: float, bucket: int) -> None:
    assert buckets_of([time_s]) == {bucket: 1}
    assert buckets_of([time_s, 0.0]) == ({0: 2} if bucket == 0 else {0: 1, bucket: 1})


def test_there_are_26_buckets() -> None:
    assert BUCKETS == 26
    assert list(BOUNDS_MS) == sorted(BOUNDS_MS)


def test_percentiles_are_read_off_a_straight_line() -> None:
    times = Histogram.of({5: 100}, 12_000.0)  # 100 to 150 ms
    assert times.p50_ms == 125.0
    assert times.p95_ms == pytest.approx(147.5)
    assert times.p99_ms == pytest.approx(149.5)
    assert times.percentile_ms(0) == 100.0
    assert times.percentile_ms(100) == 150.0
    assert times.average_ms == 120.0


def test_what_has_no_upper_bound_is_given_as_its_lower_one() -> None:
    assert Histogram.of({0: 1, 25: 99}, 0.0).p99_ms == 335_000


def test_an_empty_one_has_no_times() -> None:
    none = Histogram()
    assert (none.count, none.average_ms, none.p50_ms, none.p99_ms) == (0, 0.0, 0.0, 0.0)


@given(st.lists(st.floats(0, 300), min_size=1))
def test_a_percentile_is_off_by_less_than_its_buckets_width(times_s: list[float]) -> None:
    times = Histogram.of(buckets_of(list(times_s)), 0.0)
    exact_ms = sorted(times_s)[-(-len(times_s) // 2) - 1] * 1000
    bucket = sum(1 for bound in BOUNDS_MS if exact_ms >= bound)
    lower = BOUNDS_MS[bucket - 1] if bucket else 0
    assert lower <= times.p50_ms <= BOUNDS_MS[bucket]
