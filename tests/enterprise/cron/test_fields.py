"""Five fields are read strictly: what is no schedule is refused with what was given and what was expected."""

from __future__ import annotations

from datetime import datetime

import pytest

from offsider.errors import InvalidOption
from offsider_enterprise.cron.fields import Fields

DAY = datetime(2026, 11, 25)  # noqa: DTZ001 - a wall clock has no zone


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expected five fields"),
        ("* * * *", "Expected five fields"),
        ("0 0 * * * *", "Expected five fields"),
        ("0 0 1 1 * 0 2030", "Expected five fields"),
        ("@daily", "Expected five fields"),
        (None, "Expected five fields"),
        (5, "Expected five fields"),
        ("* " * 200, "Expected five fields"),
        ("60 * * * *", "out of range"),
        ("0 24 * * *", "out of range"),
        ("0 0 0 * *", "out of range"),
        ("0 0 32 * *", "out of range"),
        ("0 0 * 13 *", "out of range"),
        ("0 0 * * 8", "out of range"),
        ("-5 * * * *", "cron is '-5"),
        ("a b c d e", "not acceptable"),
        ("0 0 ? * *", "'[?]' is no day of the month"),
        ("0 0 1W * *", "W, the nearest working day, is not known"),
        ("R * * * *", "R is another time in each process. Write H"),
        ("R/5 * * * *", "Write H"),
        ("R(0-5) * * * *", "Write H"),
        ("*/0 * * * *", "has the step 0: expected 1 to 60"),
        ("*/61 * * * *", "has the step 61: expected 1 to 60"),
        ("0 */25 * * *", "has the step 25: expected 1 to 24"),
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 4,6 *", "never comes"),
        ("0 0 * * 5#6", "not acceptable"),
        ("0 0 * foo *", "not acceptable"),
        ("0 0 * * mon\x00", "is no day of the week"),
        ("\uff11 * * * *", "is no minute"),
    ],
)
def test_what_is_no_schedule_is_refused(text: str, why: str) -> None:
    with pytest.raises(InvalidOption, match=why):
        Fields(text, "x")


def test_spaces_and_letters_do_not_matter() -> None:
    assert Fields(" 0\t3  * JAN-mar Mon ", "x").text == "0 3 * JAN-mar Mon"
    assert Fields("0 3 * JAN Mon", "x").after(DAY) == Fields("0 3 * 1 1", "x").after(DAY)


def test_days_of_the_month_and_of_the_week_are_either_when_both_are_given() -> None:
    fields = Fields("0 0 1,15 * fri", "x")
    reading, found = DAY, []
    for _ in range(4):
        reading = fields.after(reading)
        found.append((reading.month, reading.day))
    assert found == [(11, 27), (12, 1), (12, 4), (12, 11)]
    assert Fields("0 0 1 * *", "x").after(DAY) == DAY.replace(month=12, day=1)


@pytest.mark.parametrize("text", ["* * * * *", "7 3 * * *", "*/13 5-8 L * *", "0 0 * 2 mon#1", "59 23 31 12 *"])
def test_before_is_the_other_way_round(text: str) -> None:
    fields = Fields(text, "x")
    reading = DAY.replace(hour=12, minute=34, second=56)
    later = fields.after(reading)
    assert fields.before(later) <= reading
    assert fields.after(fields.before(later)) == later
