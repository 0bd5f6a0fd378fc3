"""How pages write numbers, times and the text of others: short, and harmless. Pure, no I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from .. import clock
from ..errors import shown

MOST_SHORT = 120
MOST_LONG = 100_000
# Joiners (U+200C, U+200D) stay: whole scripts and most families of emoji are written with them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]"
)
_LINE = json.JSONEncoder(ensure_ascii=False)
_UNITS = ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def plain(text: Any, most: int = MOST_LONG) -> str:
    """Text of others with what cannot be seen made visible: control letters, and those that turn the direction.

    Over a length its beginning, and how many letters it has: who has written a job decides how long its error is.

    Example:
        >>> plain("a\\u202eb\\x00")
        'a⟨U+202E⟩b⟨U+0000⟩'
    """
    whole = str(text)
    if len(whole) <= most and whole.isprintable():  # nearly all there is, and then nothing of it is unseen
        return whole
    seen = _UNSEEN.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", whole[: most + 1])
    return seen if len(seen) <= most else f"{seen[:most]}\n… {len(whole):,}"


def short(text: Any, most: int = MOST_SHORT) -> str:
    """The beginning of a text, in one line."""
    whole = str(text)
    if len(whole) <= most and whole.isprintable():
        return whole
    line = plain(whole[: most + 1].replace("\n", " ").replace("\r", " "))
    return line if len(line) <= most else line[: most - 1] + "…"


def call(args: Any, kwargs: Any, most: int = MOST_SHORT) -> str:
    """The arguments of a job as a call has them, cut to a length.

    Example:
        >>> call([7, "a"], {"locale": "de"})
        '7, "a", locale="de"'
    """
    parts, length = [], 0
    for name, value in [*((None, one) for one in args), *kwargs.items()]:
        part = compact(value, most) if name is None else f"{name}={compact(value, most)}"
        parts.append(part)
        length += len(part)
        if length > most:
            break
    return short(", ".join(parts), most)


def compact(value: Any, most: int = MOST_SHORT) -> str:
    """A value as JSON in one line; of a long text only its beginning is looked at."""
    if isinstance(value, str) and len(value) > most:
        value = value[:most] + "…"
    try:
        return _LINE.encode(value)[: most + 1]
    except (ValueError, TypeError, RecursionError):
        return shown(value)


def pretty(value: Any, most: int = MOST_LONG) -> str:
    """A value as JSON in many lines; over a length its beginning, and how much it is."""
    try:
        text = json.dumps(value, ensure_ascii=False, indent=2, default=shown)
    except (ValueError, RecursionError):
        text = shown(value)
    return plain(text, most)


def span(seconds: float) -> str:
    """A length of time in at most two units.

    Example:
        >>> [span(s) for s in (0.000_004, 0.0004, 0.04, 7.26, 65, 7300, 200_000)]
        ['4 µs', '0.4 ms', '40 ms', '7.3 s', '1 m 5 s', '2 h 1 m', '2 d 7 h']
    """
    if 0 < seconds < 0.000_1:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms" if seconds > 0 else "0 s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = int(min(seconds, 1e10))
    for (large, letter), (small, lesser) in pairwise(_UNITS):
        if whole >= large:
            return f"{whole // large} {letter} {whole % large // small} {lesser}"
    return f"{whole} s"


def size(amount: float) -> str:
    """Bytes.

    Example:
        >>> size(512), size(70_000_000)
        ('512 B', '66.8 MB')
    """
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1024 or unit == "GB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return ""


def instant(at_s: Any) -> datetime | None:
    """A point in time; None for what is none."""
    try:
        return None if at_s is None else datetime.fromtimestamp(float(at_s), UTC)
    except (ValueError, OverflowError, OSError, TypeError):
        return None


def moment(at_s: Any) -> Markup:
    """A point in time as ``<time>``: its distance from now, exactly when pointed at; a script keeps it going."""
    at = instant(at_s)
    if at is None:
        return Markup("&ndash;")
    left_s = float(at_s) - clock.now_s()
    words = f"in {span(left_s)}" if left_s > 0 else f"{span(-left_s)} ago"
    day, time = at.isoformat(" ", "seconds").removesuffix("+00:00").split(" ")
    # Of numbers and letters of our own only: escaping each would cost a page of 250 rows 10 ms.
    told = f'datetime="{day}T{time}Z" title="{day} {time} UTC" data-when="{float(at_s):.3f}"'
    return Markup(f"<time {told}>{words}</time>")  # noqa: S704


def typed(at_s: Any) -> str:
    """A point in time as a field for times has it, in UTC; empty for what no calendar has.

    Example:
        >>> typed(3600.5)
        '1970-01-01T01:00'
    """
    at = instant(at_s)
    return "" if at is None else f"{at:%Y-%m-%dT%H:%M}"


def spark(values: Sequence[float], most: int = 60) -> Markup:
    """A small chart in 20 units of height: a bar a value; of more than there is room for, several are one bar.

    Example:
        >>> print(spark([1, 2, 3, 4, 5], most=3))
        <svg class="spark" viewBox="0 0 3 20" preserveAspectRatio="none" aria-hidden="true"><path d="M0 \
20V11.4h.8V20M1 20V0.0h.8V20M2 20V5.7h.8V20"/></svg>
    """
    each = max(1, -(-len(values) // most))
    sums = values if each == 1 else [sum(values[k : k + each]) for k in range(0, len(values), each)]
    highest = max(sums, default=0) or 1
    path = "".join(f"M{k} 20V{20 - 20 * one / highest:.1f}h.8V20" for k, one in enumerate(sums) if one)
    view = f'viewBox="0 0 {len(sums) or 1} 20" preserveAspectRatio="none" aria-hidden="true"'
    return Markup(f'<svg class="spark" {view}><path d="{path}"/></svg>')  # noqa: S704 - of numbers only


def number(value: float) -> Markup:
    """A number with separators; a script writes it as the reader's language does."""
    return Markup(f'<data value="{value}">{value:,}</data>')  # noqa: S704 - a text is refused by the comma
