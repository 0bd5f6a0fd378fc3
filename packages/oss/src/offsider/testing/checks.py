"""Assertions that no interpreter option removes and no test runner has to rewrite: they show both values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..errors import StoreError

T = TypeVar("T")
MOST_TRIES = 5


def equal(actual: object, expected: object, what: str) -> None:
    """Two values are equal.

    Example:
        >>> equal([1], [], "in flight")
        Traceback (most recent call last):
        AssertionError: in flight: [1]; expected []
    """
    if actual != expected:
        raise AssertionError(f"{what}: {actual!r}; expected {expected!r}")


def holds(true: bool, otherwise: str) -> None:
    """Something is true; ``otherwise`` says what is wrong."""
    if not true:
        raise AssertionError(otherwise)


def raises(error: type[Exception], act: Callable[[], object]) -> None:
    """A call ends with an error of this kind."""
    try:
        result = act()
    except error:
        return
    raise AssertionError(f"returned {result!r}; expected {error.__name__}")


def insisting(act: Callable[[], T]) -> T:
    """What a worker does after an error of Redis: the same again; a few times, because this Redis answers."""
    for attempt in range(1, MOST_TRIES + 1):
        try:
            return act()
        except StoreError as error:
            if attempt == MOST_TRIES:
                raise AssertionError(f"still fails at try {attempt}: {error}") from error
    raise AssertionError("unreachable")
