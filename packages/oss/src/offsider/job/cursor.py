"""The cursor of a resumable job: to JSON, and back to its annotated type. Never does I/O."""

from __future__ import annotations

import json
from typing import Any

from ..errors import InvalidArguments, NotJson, shown
from .checks import plain_check
from .record import check_json
from .typed import TypedValues

MOST_LETTERS = 64_000  # it is written again and again
PATH = "cursor"
_SIMPLE = frozenset((int, bool))


class CursorCodec:
    """Writes what a job yields, and reads it back; by the annotation of its parameter ``cursor``.

    Args:
        hint: The annotation, evaluated; ``Any`` without one.
        job: The job's name, for messages.

    Example:
        >>> codec = CursorCodec(int | None, "backfill")
        >>> codec.decode(codec.encode(7))
        7
    """

    def __init__(self, hint: Any, job: str) -> None:
        self._hint = hint
        self._job = job
        self._check = plain_check(hint)
        self._typed = TypedValues(job)

    def encode(self, value: Any) -> str:
        """JSON for a value: a copy, so that the job may go on to change it.

        Raises:
            InvalidArguments: It does not fit the annotation.
            NotJson: JSON cannot carry it, or it is too long.
        """
        if self._check is None:
            value = self._typed.to_json(PATH, self._hint, value, PATH)
        elif not self._check(value):
            raise InvalidArguments(
                f"job {self._job!r} yields {shown(value)} ({type(value).__name__}); expected {self._expected}, as its"
                " parameter cursor is annotated"
            )
        if type(value) in _SIMPLE and -(2**63) < value < 2**63:
            return json.dumps(value)
        check_json(value, PATH)
        text = json.dumps(value, separators=(",", ":"))
        if len(text) > MOST_LETTERS:
            raise NotJson(
                f"job {self._job!r} yields a cursor of {len(text):,} letters; the most is {MOST_LETTERS:,}. Yield"
                " where you are, not what you have done",
                PATH,
            )
        return text

    def decode(self, text: str) -> Any:
        """The value, as the job has yielded it.

        Raises:
            InvalidArguments: It is no JSON, or does not fit the annotation as it is in this process.
        """
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidArguments(f"job {self._job!r}: its cursor {shown(text)} is not JSON: {error}") from None
        if self._check is None:
            return self._typed.from_json(PATH, self._hint, value, PATH)
        if not self._check(value):
            raise InvalidArguments(
                f"job {self._job!r}: its cursor is {shown(value)} ({type(value).__name__}); expected {self._expected}."
                " An older version of the job has kept it: read that, too, or give the job another name"
            )
        return value

    @property
    def _expected(self) -> str:
        return self._hint.__name__ if isinstance(self._hint, type) else str(self._hint)
