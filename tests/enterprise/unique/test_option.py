"""The option: simple things are simple, and what does not go together is refused where it is written."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from offsider.errors import InvalidOption
from offsider_enterprise.unique import Unique
from offsider_enterprise.unique.option import unique


@pytest.mark.parametrize(
    ("given", "wire"),
    [
        (True, {"until": "success", "policy": "reject"}),
        (600, {"for": 600.0, "until": "success", "policy": "reject"}),
        (timedelta(minutes=1), {"for": 60.0, "until": "success", "policy": "reject"}),
        (Unique(until="start"), {"until": "start", "policy": "reject"}),
        (Unique(5, policy="debounce"), {"for": 5.0, "until": "start", "policy": "debounce"}),
        (Unique(5, policy="throttle"), {"for": 5.0, "until": "expiry", "policy": "throttle"}),
        (Unique(5, until="expiry"), {"for": 5.0, "until": "expiry", "policy": "reject"}),
        (Unique(by="a", policy="replace"), {"by": ["a"], "until": "success", "policy": "replace"}),
        (Unique(by=["a", "b", "a"]), {"by": ["a", "b"], "until": "success", "policy": "reject"}),
        (Unique(by=()), {"by": [], "until": "success", "policy": "reject"}),
        (Unique(key="all", raises=True), {"key": "all", "until": "success", "policy": "reject", "raises": True}),
        (False, None),
        (None, None),
    ],
)
def test_what_may_be_given_and_what_travels(given: Any, wire: Any) -> None:
    assert unique(given) == wire


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: unique("always"), "expected True, seconds, a timedelta or Unique"),
        (lambda: unique(0), "no lock would be held"),
        (lambda: unique(-1), "expected seconds"),
        (lambda: unique(float("nan")), "expected seconds"),
        (lambda: Unique(until="succes"), r"Did you mean 'success'"),
        (lambda: Unique(policy="debounced"), r"Did you mean 'debounce'"),
        (lambda: Unique(policy=7), "expected one of"),  # type: ignore[arg-type]
        (lambda: Unique(until="expiry"), "needs for_s"),
        (lambda: Unique(policy="throttle"), "needs for_s"),
        (lambda: Unique(policy="debounce"), "needs for_s"),
        (lambda: Unique(5, policy="throttle", until="start"), "leave until out"),
        (lambda: Unique(5, policy="debounce", until="success"), "leave until out"),
        (lambda: Unique(5, policy="replace", until="expiry"), "cannot be replaced"),
        (lambda: Unique(by=7), "expected names of arguments"),  # type: ignore[arg-type]
        (lambda: Unique(by="a", key="b"), "give one of them"),
        (lambda: Unique(key=""), "expected a text of 1 to 1000"),
        (lambda: Unique(raises=1), "expected True or False"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_is_refused_with_what_to_write(make: Any, said: str) -> None:
    with pytest.raises(InvalidOption, match=said):
        make()
