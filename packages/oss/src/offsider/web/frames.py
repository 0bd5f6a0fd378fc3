"""A traceback in frames: the reader's own code apart from that of libraries. Pure, no I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

OURS = str(Path(__file__).parents[1])
MOST_LETTERS = 100_000
MOST_FRAMES = 2000
FOREIGN = ("site-packages", "dist-packages", "/lib/python", "\\lib\\", "<frozen ")


@dataclass(frozen=True, slots=True)
class Frame:
    """One step of a traceback, or a line between steps.

    Attributes:
        text: Its lines.
        own: False for a library's, and for ours.
    """

    text: str
    own: bool


def frames(lines: Iterable[str]) -> list[Frame]:
    """Each ``File …`` line with what belongs to it; of a very long one its end, where the error is.

    Example:
        >>> lines = ["Traceback:", '  File "/app/a.py", line 1', "    f()", '  File "/x/site-packages/b.py"', "E: no"]
        >>> [(one.own, one.text.count("\\n")) for one in frames(lines)]
        [(True, 0), (True, 1), (False, 0), (True, 0)]
    """
    groups: list[list[str]] = []
    whole = "\n".join(lines)
    for line in whole[-MOST_LETTERS:].split("\n"):
        if groups and line.startswith("    ") and groups[-1][0].lstrip().startswith("File "):
            groups[-1].append(line)
        else:
            groups.append([line])
    found = [Frame("\n".join(one), not _is_foreign(one[0])) for one in groups[-MOST_FRAMES:]]
    is_cut = len(whole) > MOST_LETTERS or len(groups) > MOST_FRAMES
    return [Frame("…", own=False), *found] if is_cut else found


def _is_foreign(line: str) -> bool:
    is_step = line.lstrip().startswith("File ")
    return is_step and (OURS in line or any(part in line for part in FOREIGN))
