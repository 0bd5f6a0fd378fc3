"""Tables on a terminal: as wide as it is, never wider; in a pipe with all of every cell."""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections.abc import Sequence

import click

from .wording import plain

LEAST = 6
GAP = "  "


def show(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> None:
    """Print a table.

    Args:
        head: The columns.
        rows: Their cells: text of anybody, which is made harmless.
        right: Indices of columns that are numbers.
    """
    most = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in lines(head, rows, right=right, most=most):
        click.echo(line)


def lines(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), most: int | None = None
) -> list[str]:
    """The lines of a table.

    Args:
        head: The columns.
        rows: Their cells.
        right: Indices of columns that are numbers.
        most: How wide it may be; the widest columns are shortened first. None for as wide as it is.

    Example:
        >>> lines(["name", "size"], [["mail", "120"]], right=[1])
        ['name  size', 'mail   120']
    """
    cells = [[plain(one) for one in row] for row in (head, *rows)]
    widths = [max(width(row[k]) for row in cells) for k in range(len(head))]
    if most is not None:
        _narrow(widths, most - len(GAP) * (len(head) - 1))
    return [GAP.join(_fitted(row[k], widths[k], k in right) for k in range(len(head))).rstrip() for row in cells]


def width(text: str) -> int:
    """How many columns a text takes: letters of East Asia take two.

    Example:
        >>> width("mail"), width("郵便")
        (4, 4)
    """
    return len(text) + sum(unicodedata.east_asian_width(one) in "WF" for one in text if one > "\u1100")


def _narrow(widths: list[int], most: int) -> None:
    while sum(widths) > most:
        widest = max(widths)
        if widest <= LEAST:
            return
        second = max((one for one in widths if one < widest), default=LEAST)
        wide = [k for k, one in enumerate(widths) if one == widest]
        step = max(1, min(widest - max(second, LEAST), -(-(sum(widths) - most) // len(wide))))
        for k in wide:
            widths[k] = max(LEAST, widest - step)


def _fitted(text: str, most: int, is_right: bool) -> str:
    if width(text) > most:
        kept = ""
        for letter in text:
            if width(kept + letter) > most - 1:
                break
            kept += letter
        text = f"{kept}…"
    space = " " * (most - width(text))
    return space + text if is_right else text + space
