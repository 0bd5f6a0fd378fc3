"""The outbox as a table of SQLAlchemy, and its rows as a relay wants them."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Engine,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.mysql import LONGTEXT

from ..outbox import Row


def outbox_table(metadata: MetaData, name: str = "offsider_outbox") -> Table:
    """The table; make it as you make your others, by a migration or by ``metadata.create_all``.

    Args:
        metadata: Where it belongs, e.g. ``Base.metadata``.
        name: Its name in the database.

    Example:
        >>> from sqlalchemy import MetaData
        >>> sorted(column.name for column in outbox_table(MetaData()).columns)
        ['at_s', 'batch', 'id', 'payload', 'shard']
    """
    number = BigInteger().with_variant(Integer, "sqlite")  # which counts only what it calls INTEGER
    text = Text().with_variant(LONGTEXT(), "mysql", "mariadb")  # whose TEXT ends after 64 kB
    return Table(
        name,
        metadata,
        Column("id", number, primary_key=True, autoincrement=True),
        Column("payload", text, nullable=False),
        Column("at_s", Float, nullable=True),
        Column("batch", String(18), nullable=True, index=True),
        Column("shard", String(128), nullable=True),
        Index(f"ix_{name}_place", "shard", "id"),  # by which the oldest row of a place is found at once
    )


class SqlTable:
    """An `OutboxTable`.

    Args:
        engine: A synchronous one.
        table: Made by `outbox_table`.
    """

    def __init__(self, engine: Engine, table: Table) -> None:
        self._engine = engine
        self._table = table

    def take(self, shard: str | None, batch: str, most: int) -> tuple[str, list[Row]]:
        """The oldest batch of a place, or a new one."""
        columns = self._table.c
        its: ColumnElement[bool] = columns.shard.is_(None) if shard is None else columns.shard == shard
        with self._engine.begin() as connection:
            first = select(columns.id, columns.batch).where(its).order_by(columns.id).limit(1)
            oldest = connection.execute(first).first()
            if oldest is None:
                return "", []
            name = oldest.batch
            if name is None:
                name = batch
                free = select(columns.id).where(its, columns.batch.is_(None)).order_by(columns.id).limit(most)
                ids = list(connection.scalars(free))
                # Once more with the condition: another relay may have named some of them since.
                named = update(self._table).where(columns.id.in_(ids), columns.batch.is_(None)).values(batch=batch)
                connection.execute(named)
            rows = select(columns.payload, columns.at_s, columns.shard).where(columns.batch == name)
            found = connection.execute(rows.order_by(columns.id))
            return str(name), [(payload, at_s, shard) for payload, at_s, shard in found]

    def forget(self, batch: str) -> None:
        """Delete the rows of a batch."""
        with self._engine.begin() as connection:
            connection.execute(delete(self._table).where(self._table.c.batch == batch))

    def counts(self) -> Mapping[str | None, int]:
        """How many rows there are for each place."""
        shard = self._table.c.shard
        with self._engine.begin() as connection:
            found = connection.execute(select(shard, func.count()).group_by(shard))
            return {name: int(count) for name, count in found}

    def close(self) -> None:
        """Nothing: connections go back to the engine's pool by themselves."""
