"""The clock: seconds and milliseconds since 1970, the day in UTC, and a clock that nobody sets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from offsider import clock


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Set ``TZ`` with it; the machine's own zone comes back."""
    yield monkeypatch
    monkeypatch.undo()
    time.tzset()


def test_seconds_and_milliseconds_are_those_of_the_system() -> None:
    before = time.time_ns()
    seconds, milliseconds = clock.now_s(), clock.now_ms()
    after = time.time_ns()
    assert before / 1e9 - 1e-6 <= seconds <= after / 1e9 + 1e-6
    assert before // 1_000_000 <= milliseconds <= after // 1_000_000
    assert type(seconds) is float
    assert type(milliseconds) is int, "a float would lose its last digits in JSON of other languages"


def test_the_clock_for_durations_never_goes_back() -> None:
    seen = [clock.monotonic_s() for _ in range(1000)]
    assert seen == sorted(seen)


@pytest.mark.parametrize("local", ["EAST-14", "WEST+12", "UTC"])  # one of the first two has another date at any moment
def test_the_day_is_that_of_utc_wherever_the_machine_is(local: str, zone: pytest.MonkeyPatch) -> None:
    zone.setenv("TZ", local)
    time.tzset()
    before = datetime.now(UTC)
    day = clock.utc_day()
    after = datetime.now(UTC)
    assert day in {f"{before:%Y-%m-%d}", f"{after:%Y-%m-%d}"}


def test_the_time_does_not_depend_on_the_zone(zone: pytest.MonkeyPatch) -> None:
    zone.setenv("TZ", "EAST-14")
    time.tzset()
    assert abs(clock.now_s() - datetime.now(UTC).timestamp()) < 5
