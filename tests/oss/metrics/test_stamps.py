"""Minutes in Sidekiq's three forms, and periods of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from offsider import clock
from offsider.errors import InvalidOption
from offsider.metrics.stamps import Period, day, one_minute, ten_minutes, unpadded


def minute(*parts: int) -> int:
    """A minute of UTC."""
    return int(datetime(*parts, tzinfo=UTC).timestamp() // 60)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("parts", "one", "ten", "bare"),
    [
        ((2025, 2, 14, 8, 3), "250214|8:03", "250214|8:0", "14-8:3"),
        ((2025, 2, 4, 0, 0), "250204|0:00", "250204|0:0", "4-0:0"),
        ((2026, 12, 31, 23, 59), "261231|23:59", "261231|23:5", "31-23:59"),
    ],
)
def test_a_minute_stands_in_keys_as_sidekiq_writes_it(parts: tuple[int, ...], one: str, ten: str, bare: str) -> None:
    at = minute(*parts)
    assert (one_minute(at), ten_minutes(at), unpadded(at)) == (one, ten, bare)


def test_a_day_is_that_of_utc() -> None:
    assert day(minute(2025, 2, 14, 23, 59)) == "2025-02-14"


def test_periods_end_with_the_running_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now_s", lambda: minute(2025, 2, 14, 0, 7) * 60.0 + 59)
    assert Period.last(minutes=3).stamps == ["250214|0:05", "250214|0:06", "250214|0:07"]
    assert Period.last(hours=1).stamps == [
        "250213|23:1", "250213|23:2", "250213|23:3", "250213|23:4", "250213|23:5", "250214|0:0",
    ]  # fmt: skip
    assert Period.last(hours=1).days == ["20250213", "20250214"]
    assert Period.last().points == 60
    assert Period.last(minutes=480).points == 480
    assert Period.last(hours=72).points == 432


@pytest.mark.parametrize(
    "period", [{"minutes": 0}, {"minutes": 481}, {"hours": 73}, {"hours": -1}, {"hours": 1.5}, {"minutes": "9"},
               {"minutes": 5, "hours": 1}, {"minutes": True}],
)  # fmt: skip
def test_a_period_that_is_not_kept_is_refused(period: dict[str, Any]) -> None:
    with pytest.raises(InvalidOption, match=r"expected a whole number|exclude each other"):
        Period.last(**period)
