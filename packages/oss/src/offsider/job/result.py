"""What a job has returned, as JSON, and back as its annotation says. Never does I/O."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Callable
from functools import cached_property
from typing import Any

from .checks import plain_check
from .outcome import Cancel, Snooze
from .record import Record, check_json, dumps
from .typed import TypedValues

MOST_BYTES = 1_000_000
MOST_ERROR_TEXT = 10_000
RETURN = "return"


class Returned:
    """The return value of one job.

    Args:
        fn: The function.
        name: The job's name.

    Example:
        >>> from datetime import date
        >>> def due(n: int) -> date: ...
        >>> returned = Returned(due, "due")
        >>> returned.decode(returned.encode(date(2027, 1, 31)))
        datetime.date(2027, 1, 31)
    """

    def __init__(self, fn: Callable[..., Any], name: str) -> None:
        self._fn = fn
        self._typed = TypedValues(name)

    def encode(self, value: Any) -> Any:
        """The JSON value of what the body has returned.

        Raises:
            InvalidArguments: It is not what the annotation says.
            NotJson: JSON cannot carry it.
        """
        if plain_check(self._hint) is not None:
            check_json(value, RETURN)
            return value
        return self._typed.to_json(RETURN, self._hint, value, RETURN)

    def decode(self, value: Any) -> Any:
        """The annotated value of a JSON value.

        Raises:
            InvalidArguments: It does not fit the annotation.
        """
        return (
            value if plain_check(self._hint) is not None else self._typed.from_json(RETURN, self._hint, value, RETURN)
        )

    @cached_property
    def _hint(self) -> Any:
        """What it says that it returns, without what is no result."""
        hint = typing.get_type_hints(self._fn, include_extras=True).get(RETURN, Any)
        if typing.get_origin(hint) in (typing.Union, types.UnionType):
            kept = [one for one in typing.get_args(hint) if one not in (Cancel, Snooze)]
            return typing.Union[tuple(kept)] if kept else type(None)  # noqa: UP007 - made of a list
        return hint


def kept(state: str, name: str, at_ms: int, **more: Any) -> bytes:
    """The bytes of a result.

    Args:
        state: ``done``, ``failed`` or ``cancelled``.
        name: The job's.
        at_ms: When it ended.
        more: ``value``, or ``error_class`` and ``error_message``.

    Raises:
        NotJson: JSON cannot carry it.
        PayloadTooLarge: Over a megabyte.
    """
    return dumps({"state": state, "class": name, "at": at_ms, **more}, most_bytes=MOST_BYTES)


def read(raw: bytes) -> Record | None:
    """A result from its bytes; None when they are none."""
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict):
        return None
    fits = record.get("state") in ("done", "failed", "cancelled") and type(record.get("class")) is str
    return record if fits and type(record.get("at")) is int else None
