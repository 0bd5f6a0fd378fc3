"""Assertions that show both values, also where the interpreter removes ``assert``."""

from __future__ import annotations

import subprocess
import sys

import pytest

from offsider.errors import RedisUnavailable
from offsider.testing.checks import MOST_TRIES, equal, holds, insisting, raises


def test_a_difference_shows_both_values_and_what_they_are() -> None:
    equal(1, 1, "one")
    with pytest.raises(AssertionError, match=r"in flight: \[1\]; expected \[\]"):
        equal([1], [], "in flight")


def test_what_does_not_hold_says_why() -> None:
    holds(True, "never said")
    with pytest.raises(AssertionError, match="it ends too late"):
        holds(False, "it ends too late")


def test_a_call_must_end_with_the_error() -> None:
    raises(ValueError, lambda: int("x"))
    with pytest.raises(AssertionError, match="returned 3; expected ValueError"):
        raises(ValueError, lambda: 3)
    with pytest.raises(TypeError):
        raises(ValueError, lambda: len(3))  # type: ignore[arg-type]


def test_insisting_repeats_after_an_error_of_redis_only() -> None:
    tries: list[int] = []

    def second_time() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise RedisUnavailable("lost")
        return "done"

    assert insisting(second_time) == "done"
    with pytest.raises(ZeroDivisionError):
        insisting(lambda: 1 / 0)


def test_insisting_ends_with_the_error_of_the_last_try() -> None:
    tries: list[int] = []

    def never() -> None:
        tries.append(1)
        raise RedisUnavailable("away")

    with pytest.raises(AssertionError, match=f"try {MOST_TRIES}: away"):
        insisting(never)
    assert len(tries) == MOST_TRIES


def test_no_interpreter_option_removes_them() -> None:
    program = "from offsider.testing.checks import equal; equal(1, 2, 'numbers')"
    run = subprocess.run([sys.executable, "-O", "-c", program], capture_output=True, text=True)
    assert "AssertionError: numbers: 1; expected 2" in run.stderr
