"""What has passed: on time, made up for, or passed over."""

from __future__ import annotations

import pytest

from offsider_enterprise.cron.missed import AT_ONCE, Doing, decide
from offsider_enterprise.cron.schedule import Schedule

HOURLY = Schedule("0 * * * *", "UTC", "x")
MINUTELY = Schedule("* * * * *", "UTC", "x")
H = 3600
DAY = 24 * H


@pytest.mark.parametrize("missed", ["skip", "once", "all"])
@pytest.mark.parametrize("late_s", [0.0, 2.5, 59.0])
def test_what_is_on_time_is_run_by_every_policy(missed: str, late_s: float) -> None:
    assert decide(HOURLY, 5 * H, 5 * H + late_s, missed=missed, window_s=DAY) == Doing([5 * H], None, 6 * H)


@pytest.mark.parametrize(
    ("missed", "window_s", "expected"),
    [
        ("skip", DAY, Doing([], (5 * H, 9 * H), 10 * H)),
        ("once", DAY, Doing([9 * H], (5 * H, 8 * H), 10 * H)),
        ("all", DAY, Doing([5 * H, 6 * H, 7 * H, 8 * H, 9 * H], None, 10 * H)),
        ("all", 2.5 * H, Doing([7 * H, 8 * H, 9 * H], (5 * H, 6 * H), 10 * H)),
        ("all", 2.4 * H, Doing([8 * H, 9 * H], (5 * H, 7 * H), 10 * H)),
        ("once", 600.0, Doing([], (5 * H, 9 * H), 10 * H)),
        ("all", 600.0, Doing([], (5 * H, 9 * H), 10 * H)),
    ],
)
def test_an_outage_from_five_to_half_past_nine(missed: str, window_s: float, expected: Doing) -> None:
    assert decide(HOURLY, 5 * H, 9.5 * H, missed=missed, window_s=window_s) == expected


def test_an_outage_that_ends_on_time_skips_only_what_is_late() -> None:
    assert decide(HOURLY, 5 * H, 9 * H + 5, missed="skip", window_s=DAY) == Doing([9 * H], (5 * H, 8 * H), 10 * H)


def test_all_goes_on_a_hundred_at_a_time() -> None:
    doing = decide(MINUTELY, 0, 300 * 60 + 1, missed="all", window_s=DAY)
    assert len(doing.runs) == AT_ONCE
    assert doing.left_out is None
    assert doing.next_s == AT_ONCE * 60
    rest = decide(MINUTELY, doing.next_s, 300 * 60 + 1, missed="all", window_s=DAY)
    assert rest.runs[0] == AT_ONCE * 60


@pytest.mark.parametrize("missed", ["once", "all"])
def test_what_is_due_is_run_also_when_the_zone_has_changed_its_rules_since(missed: str) -> None:
    assert decide(HOURLY, 5 * H + 1800, 5 * H + 1801, missed=missed, window_s=DAY) == Doing([5 * H + 1800], None, 6 * H)


def test_a_week_of_minutes_is_one_look() -> None:
    doing = decide(MINUTELY, 0, 7 * DAY + 30, missed="once", window_s=DAY)
    assert doing == Doing([7 * DAY], (0, 7 * DAY - 60), 7 * DAY + 60)
