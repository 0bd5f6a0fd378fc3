"""Walks through what SQLAlchemy selects, on a real SQLite: every row once, in the order of its key, in pages."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from offsider import cursors
from offsider.errors import InvalidArguments

sa = pytest.importorskip("sqlalchemy")
orm = pytest.importorskip("sqlalchemy.orm")


class Base(orm.DeclarativeBase):  # type: ignore[misc,name-defined]
    """Of the tables here."""


class User(Base):
    """A row."""

    __tablename__ = "users"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String, unique=True, nullable=False)
    born = sa.Column(sa.Date)


ROWS = [(number, f"user {number:02}") for number in (1, 2, 3, 5, 8, 13, 21)]


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Any]:
    """A session on a database with users."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'db'}")
    Base.metadata.create_all(engine)
    with orm.Session(engine) as one:
        one.add_all([User(id=number, name=name, born=datetime.date(2000, 1, 1)) for number, name in reversed(ROWS)])
        one.commit()
        yield one
    engine.dispose()


@pytest.mark.parametrize("page", [1, 2, 7, 100])
def test_entities_go_on_after_each_of_them(session: Any, page: int) -> None:
    found = [(user.name, cursor) for user, cursor in cursors.select(session, sa.select(User), User.id, page=page)]
    whole = [(name, number) for number, name in ROWS]
    assert found == whole
    for place, (_name, cursor) in enumerate(whole):
        rest = cursors.select(session, sa.select(User), User.id, after=cursor, page=page)
        assert [(user.name, after) for user, after in rest] == whole[place + 1 :]


def test_columns_conditions_and_another_key(session: Any) -> None:
    one = sa.select(User.name).where(User.id > 2).order_by(User.id.desc())
    assert list(cursors.select(session, one, User.name, page=2)) == [
        (name, name) for number, name in ROWS if number > 2
    ]
    two = sa.select(User.id, User.name).where(User.id < 3)
    assert list(cursors.select(session, two, User.id)) == [((1, "user 01"), 1), ((2, "user 02"), 2)]


def test_a_connection_will_do(session: Any) -> None:
    table = User.__table__
    found = list(cursors.select(session.connection(), sa.select(table.c.name), table.c.id, after=8))
    assert found == [("user 13", 13), ("user 21", 21)]


def test_rows_may_be_committed_and_come_while_it_walks(session: Any) -> None:
    seen = []
    for user, cursor in cursors.select(session, sa.select(User), User.id, page=1):
        seen.append(cursor)
        user.name = f"done {cursor}"
        if cursor == 21:
            session.add(User(id=34, name="late"))
        session.commit()
    assert seen == [1, 2, 3, 5, 8, 13, 21, 34]


@pytest.mark.parametrize("wrong", [{"limit": 1}, {"offset": 1}], ids=str)
def test_a_statement_with_pages_of_its_own_is_refused(session: Any, wrong: dict[str, int]) -> None:
    statement = sa.select(User)
    for name, value in wrong.items():
        statement = getattr(statement, name)(value)
    with pytest.raises(InvalidArguments, match="LIMIT or OFFSET"):
        list(cursors.select(session, statement, User.id))
    with pytest.raises(InvalidArguments, match="page is 0"):
        list(cursors.select(session, sa.select(User), User.id, page=0))


def test_the_same_on_an_event_loop(session: Any) -> None:
    pytest.importorskip("aiosqlite")
    aio = pytest.importorskip("sqlalchemy.ext.asyncio")

    async def walk() -> list[tuple[str, int]]:
        engine = aio.create_async_engine(f"sqlite+aiosqlite:///{session.bind.url.database}")
        async with aio.AsyncSession(engine) as one:
            walked = cursors.aselect(one, sa.select(User), User.id, after=3, page=2)
            found = [(user.name, cursor) async for user, cursor in walked]
        await engine.dispose()
        return found

    assert asyncio.run(walk()) == [(name, number) for number, name in ROWS if number > 3]
