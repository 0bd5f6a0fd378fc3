"""A time that was typed is the reader's own, or UTC, or refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from offsider.errors import InvalidOption
from offsider.web.typed import local_time


@pytest.mark.parametrize(
    ("text", "offset", "expected"),
    [
        ("2027-01-31T14:05", "", datetime(2027, 1, 31, 14, 5, tzinfo=UTC)),
        ("2027-01-31T14:05", "60", datetime(2027, 1, 31, 13, 5, tzinfo=UTC)),
        ("2027-01-31T14:05:30", "-330", datetime(2027, 1, 31, 19, 35, 30, tzinfo=UTC)),
    ],
)
def test_a_time_with_the_readers_clock(text: str, offset: str, expected: datetime) -> None:
    assert local_time(text, offset) == expected.timestamp()


@pytest.mark.parametrize(
    ("text", "offset"),
    [("", ""), ("tomorrow", "0"), ("2027-13-01T00:00", "0"), ("2027-01-31T14:05", "east"), ("0001-01-01T00:00", "600"),
     ("2027-01-31T14:05", "1440"), ("2027-01-31T14:05+02:00", "0")],
)  # fmt: skip
def test_what_is_no_time_is_refused(text: str, offset: str) -> None:
    with pytest.raises(InvalidOption, match="expected a time like"):
        local_time(text, offset)
