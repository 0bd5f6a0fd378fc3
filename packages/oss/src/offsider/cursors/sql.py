"""Walks through what SQLAlchemy selects, by a key: page after page, each a query of its own. Imports it when used."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import InvalidArguments

if TYPE_CHECKING:
    from sqlalchemy import Connection, Select
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
    from sqlalchemy.orm import Session
    from sqlalchemy.sql.elements import SQLCoreOperations

K = TypeVar("K")
PAGE = 1000


def select(
    connection: Session | Connection,
    statement: Select[Any],
    key: SQLCoreOperations[K],
    *,
    after: K | None = None,
    page: int = PAGE,
) -> Iterator[tuple[Any, K]]:
    """The rows of a statement in the order of a key, each with its key as the cursor.

    No query looks at what is done, and none runs for long: between two rows you may commit.

    Args:
        connection: A session, or a connection.
        statement: What to select, with its conditions; its order is not used.
        key: A column that is unique and never NULL, e.g. the primary key.
        after: The cursor.
        page: Rows in one query.

    Returns:
        Pairs of a row and its key; the row itself where it has one column, or is one entity.

    Raises:
        InvalidArguments: The statement has a LIMIT or OFFSET, or ``page`` is under 1.

    Example:
        >>> import sqlalchemy as sa
        >>> users = sa.table("users", sa.column("id"), sa.column("name"))
        >>> for name, cursor in select(session, sa.select(users.c.name), users.c.id):  # doctest: +SKIP
        ...     print(name)
    """
    _check(statement, page)
    while True:
        rows = connection.execute(_page(statement, key, after, page)).all()
        for item, after in _pairs(rows):
            yield item, after
        if len(rows) < page:
            return


async def aselect(
    connection: AsyncSession | AsyncConnection,
    statement: Select[Any],
    key: SQLCoreOperations[K],
    *,
    after: K | None = None,
    page: int = PAGE,
) -> AsyncIterator[tuple[Any, K]]:
    """`select` on an event loop."""
    _check(statement, page)
    while True:
        rows = (await connection.execute(_page(statement, key, after, page))).all()
        for item, after in _pairs(rows):
            yield item, after
        if len(rows) < page:
            return


def _check(statement: Any, page: int) -> None:
    if page < 1:
        raise InvalidArguments(f"page is {page}: expected 1 or more rows in a query")
    if statement._limit_clause is not None or statement._offset_clause is not None:
        raise InvalidArguments("the statement has a LIMIT or OFFSET, which pages need themselves: leave it out")


def _page(statement: Select[Any], key: Any, after: Any, page: int) -> Select[Any]:
    if after is not None:
        statement = statement.where(key > after)
    return statement.add_columns(key.label("offsider_key")).order_by(None).order_by(key).limit(page)


def _pairs(rows: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    for row in rows:
        *values, key = row
        yield (values[0] if len(values) == 1 else tuple(values)), key
