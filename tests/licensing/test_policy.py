"""What a licence means at each moment of its life, for versions built before and after its end."""

from __future__ import annotations

import dataclasses

import pytest

from offsider_licensing import LicenseError, LicenseExpired, LicenseNotYetValid, Standing, judge
from offsider_licensing.license import License, day, evaluation
from offsider_licensing.policy import check

DAY_S = 86_400
END = 1_800_000_000
HELD = License(
    id="lic_abcdefghij234567",
    customer="Acme",
    editions=("pro",),
    threads=None,
    issued_s=END - 365 * DAY_S,
    expires_s=END,
    grace_days=30,
    key_id="key_abcdefghij234567",
    source="here",
)
BEFORE, AFTER = day(END - 10 * DAY_S), day(END + 2 * DAY_S)


@pytest.mark.parametrize(
    ("after_end_s", "built", "expected"),
    [
        (-365 * DAY_S, BEFORE, Standing("ending", 10)),  # a clock turned back: the build date is later
        (-365 * DAY_S, None, Standing("valid", 365)),
        (-30 * DAY_S - 1, None, Standing("valid", 30)),
        (-30 * DAY_S, None, Standing("ending", 30)),
        (-1, None, Standing("ending", 0)),
        (0, None, Standing("ending", 0)),
        (1, BEFORE, Standing("fallback", -1)),
        (5_000 * DAY_S, BEFORE, Standing("fallback", -5_000)),
        (1, None, Standing("grace", -1, 29)),
        (2 * DAY_S + 1, AFTER, Standing("grace", -3, 27)),
        (30 * DAY_S, None, Standing("grace", -30, 0)),
        (30 * DAY_S + 1, None, Standing("expired", -31)),
        (31 * DAY_S, AFTER, Standing("expired", -31)),
        (-300 * DAY_S, day(END + 400 * DAY_S), Standing("expired", -400)),  # turning the clock back gains nothing
    ],
)
def test_where_it_stands(after_end_s: int, built: str | None, expected: Standing) -> None:
    found = judge(HELD, now_s=END + after_end_s, built=built)
    assert (found.state, found.grace_left) == (expected.state, expected.grace_left)
    assert found.days_left is not None
    assert expected.days_left is not None
    assert abs(found.days_left - expected.days_left) <= 1  # a build date is a day's first second
    assert found.holds is (expected.state != "expired")


def test_the_day_of_the_end_counts_as_before_it() -> None:
    """A wheel has a date, not a time: one of the very day works for ever."""
    assert judge(HELD, now_s=END + 99 * DAY_S, built=day(END)).state == "fallback"


def test_every_second_around_the_end_holds_until_the_grace_is_over() -> None:
    for second in (*range(-3, 4), *range(30 * DAY_S - 3, 30 * DAY_S + 1)):
        check(HELD, now_s=END + second, built=None)
    for second in range(30 * DAY_S + 1, 30 * DAY_S + 4):
        with pytest.raises(LicenseExpired, match="ended on 2027-01-15, its 30 days of grace are over"):
            check(HELD, now_s=END + second, built=None)


def test_a_refusal_says_why_the_build_date_does_not_help() -> None:
    with pytest.raises(LicenseExpired, match=f"this version was built on {AFTER}"):
        check(HELD, now_s=END + 99 * DAY_S, built=AFTER)
    with pytest.raises(LicenseExpired, match="a source tree, which counts as built today"):
        check(HELD, now_s=END + 99 * DAY_S, built=None)


def test_a_clock_may_be_a_day_behind_the_vendors_and_no_more() -> None:
    assert judge(HELD, now_s=HELD.issued_s - DAY_S, built=None).state == "valid"
    with pytest.raises(LicenseNotYetValid, match="begins on 2026-01-15, and it is 2026-01-14 here"):
        check(HELD, now_s=HELD.issued_s - DAY_S - 1, built=None)
    assert judge(HELD, now_s=0, built=BEFORE).state == "ending"  # a machine without a clock


def test_without_grace_the_end_is_the_end() -> None:
    strict = dataclasses.replace(HELD, grace_days=0)
    assert judge(strict, now_s=END, built=None).holds
    assert not judge(strict, now_s=END + 1, built=None).holds


def test_the_evaluation_licence_never_ends() -> None:
    for now_s in (0.0, END, 1e11):
        assert judge(evaluation("here"), now_s=now_s, built=None) == Standing("evaluation")


@pytest.mark.parametrize("built", ["yesterday", "", "2026-13-01", "2026-01-01T00:00", "1"])
def test_a_build_date_that_is_none_is_an_error(built: str) -> None:
    with pytest.raises(LicenseError, match="expected YYYY-MM-DD: reinstall it"):
        judge(HELD, now_s=END, built=built)
