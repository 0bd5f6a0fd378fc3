"""Walks through Django's querysets by their key: page after page, each a query of its own. Imports nothing of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol, TypeVar

from ..errors import InvalidArguments

M = TypeVar("M")
M_co = TypeVar("M_co", covariant=True)
PAGE = 1000


class Rows(Protocol[M_co]):
    """What of a queryset is used."""

    def order_by(self, *names: str) -> Rows[M_co]:
        """In this order."""

    def filter(self, **conditions: Any) -> Rows[M_co]:
        """Only these."""

    def __getitem__(self, page: slice, /) -> Iterable[M_co]: ...


def queryset(rows: Rows[M], *, after: Any = None, by: str = "pk", page: int = PAGE) -> Iterator[tuple[M, Any]]:
    """The objects of a queryset in the order of a key, each with its key as the cursor.

    No query looks at what is done, and none runs for long.

    Args:
        rows: The queryset, with its conditions; its order is not used.
        after: The cursor.
        by: A field that is unique and never NULL.
        page: Objects in one query.

    Raises:
        InvalidArguments: ``page`` is under 1.

    Example:
        >>> for user, cursor in queryset(User.objects.filter(active=True), after=cursor):  # doctest: +SKIP
        ...     print(user)
    """
    if page < 1:
        raise InvalidArguments(f"page is {page}: expected 1 or more objects in a query")
    ordered = rows.order_by(by)
    while True:
        following = ordered if after is None else ordered.filter(**{f"{by}__gt": after})
        found = list(following[:page])
        for one in found:
            after = getattr(one, by)
            yield one, after
        if len(found) < page:
            return
