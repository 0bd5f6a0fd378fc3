"""A part of a long list: its page or its search, and the way to the next. Used by every page that lists jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..api.where import Where
from ..errors import InvalidOption

if TYPE_CHECKING:
    from .visit import Visit

AT_ONCE_S = 0.06  # what a search on a page may cost besides its frame
SIZES = (25, 50, 100, 250)
MOST_PAGES = 100_000
NAMES = ("text", "name", "queue", "error", "tag")


@dataclass(frozen=True, slots=True)
class Filters:
    """What is looked for; None for what is not asked.

    Attributes:
        text, name, queue, error, tag: As in `offsider.api.where.Where`.
    """

    text: str | None = None
    name: str | None = None
    queue: str | None = None
    error: str | None = None
    tag: str | None = None

    @classmethod
    def of(cls, visit: Visit) -> Filters:
        """Of the address."""
        return cls(*(visit.query(name).strip() or None for name in NAMES))

    @classmethod
    def sent(cls, visit: Visit) -> Filters:
        """Of a form."""
        return cls(*(visit.sent(name).strip() or None for name in NAMES))

    @property
    def given(self) -> dict[str, str]:
        """Those that are asked."""
        return {name: value for name in NAMES if (value := getattr(self, name)) is not None}

    @property
    def where(self) -> Where:
        """For what is done to all of them.

        Raises:
            InvalidOption: One of them is too long.
        """
        return Where(**self.given)

    def chips(self) -> Iterator[tuple[str, str]]:
        """All but the text, which has a field of its own."""
        return iter([(name, value) for name, value in self.given.items() if name != "text"])


@dataclass(frozen=True, slots=True)
class Part:
    """What a page shows of a list.

    Attributes:
        jobs: These; on a page that lists other things, those.
        total: How many there are; None in a search.
        number, last: The page's number and the last one's, from 1; 0 in a search.
        first: The number of the first job, from 1.
        cursor: In a search, where it goes on; None at its end.
        looked_at: In a search, how many entries were looked at for this part.
        name: What the page's number is called in the address.
    """

    jobs: Sequence[Any]
    total: int | None = None
    number: int = 0
    last: int = 0
    first: int = 0
    cursor: str | None = None
    looked_at: int = 0
    name: str = "page"

    @classmethod
    def found(cls, page: Any) -> Part:
        """Of a search."""
        return cls(page.jobs, cursor=page.cursor, looked_at=page.looked_at)


def sizes(visit: Visit) -> int:
    """How many jobs a page has.

    Raises:
        InvalidOption: Another number than those that are offered.
    """
    size = visit.number("count", SIZES[1], 1, SIZES[-1])
    if size not in SIZES:
        raise InvalidOption(f"count is {size}: expected one of {', '.join(map(str, SIZES))}")
    return size


def part_of(visit: Visit, total: int, read: Callable[[int], Sequence[Any]], size: int, name: str = "page") -> Part:
    """A page by its number; behind the end, the last one.

    Args:
        visit: Has the number.
        total: How many jobs there are.
        read: Given how many to skip, reads a page.
        size: How many a page has.
        name: What the number is called in the address.
    """
    last = max(1, -(-total // size))
    number = min(visit.number(name, 1, 1, MOST_PAGES), last)
    skip = (number - 1) * size
    return Part(read(skip), total, number, last, skip + 1, name=name)
