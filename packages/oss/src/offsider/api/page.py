"""Parts of a set or a queue: how large they are, and where the next begins. No I/O."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InvalidOption, shown
from .entry import JobEntry

PAGE = 100
MOST_A_PAGE = 1000
SLICE = 500
LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Page:
    """A part of what a search has found.

    Attributes:
        jobs: Found in this part, by their time.
        cursor: Where to go on: give it to the next call. None when all was looked at.
        looked_at: So many entries the server has looked at, about.
    """

    jobs: tuple[JobEntry, ...]
    cursor: str | None
    looked_at: int


def check_page(count: object, skip: object) -> None:
    """Nothing, when these are a page.

    Raises:
        InvalidOption: One of them is no such number.
    """
    if type(count) is not int or not 1 <= count <= MOST_A_PAGE:
        raise InvalidOption(f"count is {shown(count)}: expected a whole number from 1 to {MOST_A_PAGE}")
    if type(skip) is not int or skip < 0:
        raise InvalidOption(f"skip is {shown(skip)}: expected a whole number, 0 or more")


def checked_cursor(cursor: object) -> bytes:
    """Where a search goes on; the beginning for None.

    Raises:
        InvalidOption: It is none that a search has given.
    """
    if cursor is None:
        return b"0"
    if isinstance(cursor, str) and cursor.isdigit() and len(cursor) <= 20:
        return cursor.encode()
    raise InvalidOption(f"cursor is {shown(cursor)}: expected that of the page before, or None to begin")
