"""Points, and what they add up to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from offsider.metrics.histogram import Histogram
from offsider.metrics.series import Point, Row, Series, merged, point_of

AT = datetime(2025, 2, 14, 8, 3, tzinfo=UTC)


def test_a_point_is_read_out_of_the_fields_that_it_knows() -> None:
    fields = {b"p": b"5", b"f": b"1", b"us": b"2500", b"wms": b"40", b"r0": b"4", b"w25": b"5", b"later": b"3"}
    point = point_of(AT, fields)
    assert (point.processed, point.failed, point.took.total_ms, point.waited.total_ms) == (5, 1, 2.5, 40.0)
    assert (point.took.counts[0], point.waited.counts[25], point.took.count) == (4, 5, 4)


def test_a_series_adds_up() -> None:
    points = tuple(Point(AT, 2, 1, Histogram.of({0: 1}, 10.0), Histogram.of({1: 2}, 50.0)) for _ in range(3))
    series = Series("mail", points)
    assert (series.processed, series.failed, series.took.counts[0], series.waited.total_ms) == (6, 3, 3, 150.0)


def test_nothing_adds_up_to_nothing() -> None:
    assert merged([]).count == 0
    assert Series("mail", ()).took.average_ms == 0.0


@pytest.mark.parametrize(("processed", "failed", "average"), [(4, 1, 10.0), (1, 1, 0.0), (0, 0, 0.0)])
def test_an_average_is_that_of_those_that_did_not_fail(processed: int, failed: int, average: float) -> None:
    assert Row("a", processed, failed, 30.0, ()).average_ms == average
