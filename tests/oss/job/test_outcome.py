"""What happened to a job is a value."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError
from datetime import timedelta
from typing import Any

import pytest

from offsider.errors import InvalidOption
from offsider.job.outcome import Cancel, Kind, Outcome, Snooze

RECORD = {"class": "welcome"}
ERROR = ValueError("no")

# (made, kind, delay, record, error, reason)
ENDS: list[tuple[Outcome, Kind, float, Any, Any, str]] = [
    (Outcome.done(), Kind.DONE, 0.0, None, None, ""),
    (Outcome.retry(15.5, RECORD, ERROR), Kind.RETRY, 15.5, RECORD, ERROR, ""),
    (Outcome.dead(RECORD, ERROR), Kind.DEAD, 0.0, RECORD, ERROR, ""),
    (Outcome.discarded(RECORD, ERROR), Kind.DISCARDED, 0.0, RECORD, ERROR, ""),
    (Outcome.snoozed(30.0, RECORD), Kind.SNOOZED, 30.0, RECORD, None, ""),
    (Outcome.held(5.0, RECORD, "closed"), Kind.HELD, 5.0, RECORD, None, "closed"),
    (Outcome.interrupted(RECORD, "it is long"), Kind.INTERRUPTED, 0.0, RECORD, None, "it is long"),
    (Outcome.cancelled("user deleted"), Kind.CANCELLED, 0.0, None, None, "user deleted"),
]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end[1].value)
def test_an_outcome_holds_what_its_kind_needs_and_nothing_else(end: tuple[Outcome, Kind, float, Any, Any, str]) -> None:
    made, *expected = end
    assert [made.kind, made.delay_s, made.record, made.error, made.reason] == expected


def test_every_kind_of_end_has_a_way_to_say_it() -> None:
    assert {end[1] for end in ENDS} == set(Kind)


@pytest.mark.parametrize(
    ("delay", "delay_s"),
    [(30, 30.0), (0.5, 0.5), (timedelta(minutes=1), 60.0), (0, 0.0), (-5, 0.0), (timedelta(days=-1), 0.0)],
)
def test_a_snooze_is_in_seconds_and_never_negative(delay: float | timedelta, delay_s: float) -> None:
    assert Snooze(delay).delay_s == delay_s
    assert type(Snooze(delay).delay_s) is float


@pytest.mark.parametrize("delay", ["5", None, math.nan, math.inf, 1e300, timedelta.max], ids=repr)
def test_a_snooze_that_is_no_duration_is_an_error_of_the_job(delay: Any) -> None:
    with pytest.raises(InvalidOption, match="Snooze"):
        _ = Snooze(delay).delay_s


def test_outcomes_are_values() -> None:
    assert Snooze(5) == Snooze(5)
    assert Cancel("a") != Cancel("b")
    assert Cancel() == Cancel("")
    for value, name in ((Snooze(5), "delay"), (Cancel(), "reason"), (Outcome.done(), "kind")):
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, None)
