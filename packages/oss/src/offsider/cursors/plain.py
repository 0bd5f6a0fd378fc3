"""Walks through what is in memory, and batches of any walk. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from ..errors import InvalidArguments, shown

T = TypeVar("T")
C = TypeVar("C")


def numbers(span: range, *, after: int | None = None) -> Iterator[tuple[int, int]]:
    """The numbers of a range, each with itself as the cursor.

    Args:
        span: The range. It may have another end in the next run; start and step stay.
        after: The cursor: the last number that is done.

    Raises:
        InvalidArguments: ``after`` is no number of this range, nor of a longer one.

    Example:
        >>> list(numbers(range(0, 10, 3), after=3))
        [(6, 6), (9, 9)]
    """
    if after is not None:
        steps, rest = divmod(after - span.start, span.step)
        if rest or steps < 0:
            raise InvalidArguments(f"the cursor is {shown(after)}: expected a number of {span}, or of a longer one")
        span = range(after + span.step, span.stop, span.step)
    for number in span:
        yield number, number


def items(of: Sequence[T], *, after: int | None = None) -> Iterator[tuple[T, int]]:
    """The items of a list, each with its index as the cursor.

    Args:
        of: A list, or a tuple. It may have become longer in the next run; what is done stays in its place.
        after: The cursor: the index of the last item that is done.

    Raises:
        InvalidArguments: ``after`` is negative.

    Example:
        >>> list(items(["a", "b", "c"], after=0))
        [('b', 1), ('c', 2)]
    """
    if after is not None and after < 0:
        raise InvalidArguments(f"the cursor is {after}: expected the index of an item, 0 or more")
    for index in range(0 if after is None else after + 1, len(of)):
        yield of[index], index


def batches(walk: Iterable[tuple[T, C]], size: int) -> Iterator[tuple[list[T], C]]:
    """Items of any walk, many at a time, with the cursor after the last of them.

    Args:
        walk: Pairs of an item and its cursor.
        size: How many items; the last batch may have fewer.

    Raises:
        InvalidArguments: ``size`` is under 1.

    Example:
        >>> list(batches(numbers(range(5)), 2))
        [([0, 1], 1), ([2, 3], 3), ([4], 4)]
    """
    if size < 1:
        raise InvalidArguments(f"size is {size}: expected 1 or more items in a batch")
    batch: list[T] = []
    for item, cursor in walk:
        batch.append(item)
        if len(batch) == size:
            yield batch, cursor
            batch = []
    if batch:
        yield batch, cursor
