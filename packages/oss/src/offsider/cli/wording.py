"""How commands write numbers, times and text of others: short, and harmless on a terminal."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from .. import clock

_SPAN = re.compile(r"\+?(\d+(?:\.\d+)?)(s|m|h|d)\Z")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def span(seconds: float) -> str:
    """A length of time in at most two units.

    Example:
        >>> [span(s) for s in (0.04, 7.26, 65, 7300, 200_000)]
        ['0.0 s', '7.3 s', '1 m 5 s', '2 h 1 m', '2 d 7 h']
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    for large, small in (("d", "h"), ("h", "m"), ("m", "s")):
        size = int(_UNITS[large])
        if whole >= size:
            return f"{whole // size} {large} {whole % size // int(_UNITS[small])} {small}"
    return f"{seconds:.1f} s"


def moment(at_s: float | None) -> str:
    """A point in time as its distance from now: ``in 3 m 0 s``, ``3 m 0 s ago``; empty when it is not known."""
    if at_s is None:
        return ""
    left_s = at_s - clock.now_s()
    return f"in {span(left_s)}" if left_s >= 0 else f"{span(-left_s)} ago"


def instant(at_s: float | None) -> str:
    """A point in time, UTC, to the second; empty when it is not known.

    Example:
        >>> instant(1755432000.1)
        '2025-08-17 12:00:00Z'
    """
    return "" if at_s is None else f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%SZ}"


def plain(text: str) -> str:
    """Text of others without what a terminal would obey.

    Example:
        >>> plain("a\\x1b[2Jb")
        'a\\ufffd[2Jb'
    """
    return text if text.isprintable() else "".join(one if one.isprintable() else "\ufffd" for one in text)


def arguments(args: Any, kwargs: Any) -> str:
    """The arguments of a job, as a call has them.

    Example:
        >>> arguments([7, "a"], {"locale": "de"})
        '7, "a", locale="de"'
    """
    parts = [json.dumps(one, ensure_ascii=False, default=str) for one in args]
    parts += [f"{name}={json.dumps(one, ensure_ascii=False, default=str)}" for name, one in kwargs.items()]
    return ", ".join(parts)


if TYPE_CHECKING:
    Times = click.ParamType[datetime]
else:
    Times = click.ParamType  # generic for type checkers, and only since click 8.4 when it runs


class When(Times):
    """A point in time: ``10m``, ``2h``, ``90s``, ``1d`` from now, or an ISO 8601 time."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """An aware time; one without a zone is local."""
        if isinstance(value, datetime):
            return value
        match = _SPAN.match(value)
        if match is not None:
            return datetime.fromtimestamp(clock.now_s(), UTC) + self._delta(float(match[1]) * _UNITS[match[2]], value)
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r}: expected e.g. 10m, 2h, 1d (from now), or 2027-01-31T12:00:00Z", param, ctx)
        return found if found.tzinfo is not None else found.astimezone()

    def _delta(self, seconds: float, value: str) -> timedelta:
        if seconds > 100 * 365 * _UNITS["d"]:
            self.fail(f"{value!r} is over a hundred years: expected e.g. 10m, 2h, 1d")
        return timedelta(seconds=seconds)
