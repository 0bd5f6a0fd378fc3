"""The outbox in SQLAlchemy's database: rows of the transaction, brought into Redis once, whenever the relay dies."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from offsider import App
from offsider.testing import Crash
from offsider.worker.worker import Worker
from support.relays import DEATHS, dying
from support.waiting import until

pytest.importorskip("sqlalchemy")
from sqlalchemy import create_engine, event, func, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from offsider.integrations.outbox import Relay
from offsider.integrations.sqlalchemy import after_commit, install, outbox_table
from offsider.integrations.sqlalchemy.outbox import SqlTable

ran: list[str] = []


@pytest.fixture
def table(app: App, engine: Any, metadata: Any) -> Any:
    """The table of an app that has an outbox, with one job."""
    made = outbox_table(metadata)
    metadata.create_all(engine)
    install(app, outbox=made, engine=engine)
    ran.clear()

    @app.job(name="note", queue="notes")
    def note(text: str) -> None:
        ran.append(text)

    return made


def write(app: App, engine: Any, *texts: str) -> None:
    """Enqueue in one transaction."""
    with Session(engine) as session, after_commit(session):
        for text in texts:
            app.jobs["note"].enqueue(text)
        session.commit()


def rows(engine: Any, table: Any) -> int:
    """How many are left."""
    with engine.connect() as connection:
        return int(connection.scalar(select(func.count()).select_from(table)))


def order(app: App, raw: Any) -> list[bytes]:
    """The first letters of the arguments in the queue, in order."""
    entries = raw.lrange(app.keys.queue("notes"), 0, -1)[::-1]
    return [entry.split(b'"args":["')[1][:1] for entry in entries]


def test_a_commit_writes_rows_and_a_rollback_none(app: App, table: Any, engine: Any, raw: Any) -> None:
    with Session(engine) as session, after_commit(session):
        app.jobs["note"].enqueue("dropped")
        session.rollback()
        app.jobs["note"].enqueue("a")
        with session.begin_nested():
            app.jobs["note"].enqueue("b")
        assert rows(engine, table) == 0
        session.commit()
    assert (rows(engine, table), order(app, raw)) == (2, [])


def test_what_a_flush_enqueues_within_the_commit_is_a_row_too(app: App, table: Any, engine: Any, raw: Any) -> None:
    class Base(DeclarativeBase):
        """One table."""

    class Order(Base):
        """Whose rows are followed by a job."""

        __tablename__ = "orders"
        id: Mapped[int] = mapped_column(primary_key=True)

    Base.metadata.create_all(engine)
    event.listen(Order, "after_insert", lambda *_given: app.jobs["note"].enqueue("a"))
    with Session(engine) as session, after_commit(session):
        app.jobs["note"].enqueue("b")
        session.add(Order(id=1))
        session.commit()
    assert (rows(engine, table), order(app, raw)) == (2, [])


def test_asynchronous_sessions_write_rows_too(app: App, table: Any, engine: Any, path: Path) -> None:
    pytest.importorskip("aiosqlite")

    async def main() -> None:
        aengine = create_async_engine(f"sqlite+aiosqlite:///{path}")
        async with AsyncSession(aengine) as session:
            with after_commit(session):
                await app.jobs["note"].aenqueue("a")
            await session.commit()
        await aengine.dispose()

    asyncio.run(main())
    assert rows(engine, table) == 1


@pytest.mark.parametrize("death", DEATHS)
def test_whenever_it_dies_each_job_is_put_once(app: App, table: Any, engine: Any, raw: Any, death: str) -> None:
    write(app, engine, "a", "b")
    with pytest.raises(Crash):
        Relay(*dying(app, SqlTable(engine, table), death)).bring()
    write(app, engine, "c")
    successor = Relay(app, SqlTable(engine, table))
    while successor.bring():
        pass
    assert order(app, raw) == [b"a", b"b", b"c"]
    assert rows(engine, table) == 0


def test_batches_are_brought_in_order(app: App, table: Any, engine: Any, raw: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("offsider.integrations.outbox.MOST", 2)
    write(app, engine, "a", "b", "c")
    write(app, engine, "d", "e")
    relay = Relay(app, SqlTable(engine, table))
    assert [relay.bring() for _ in range(4)] == [2, 2, 1, 0]
    assert order(app, raw) == [b"a", b"b", b"c", b"d", b"e"]


def test_many_relays_at_once_put_each_job_once(app: App, table: Any, path: Path, engine: Any, raw: Any) -> None:
    write(app, engine, *(f"{n}" for n in range(40)))
    engines = [create_engine(f"sqlite:///{path}", connect_args={"timeout": 20}) for _ in range(4)]

    def bring_all(one: Any) -> None:
        relay = Relay(app, SqlTable(one, table))
        while True:
            try:
                if not relay.bring() and not rows(one, table):
                    return
            except Exception as error:
                if "locked" not in str(error):  # SQLite's word for: somebody else is at it
                    raise

    threads = [threading.Thread(target=bring_all, args=(one,)) for one in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in engines:
        one.dispose()
    assert raw.llen(app.keys.queue("notes")) == 40


def test_a_worker_runs_a_relay(app: App, table: Any, engine: Any, start_worker: Callable[..., Worker]) -> None:
    write(app, engine, "a")
    start_worker(app, queues=["notes"])
    until(lambda: ran == ["a"], 20)
    write(app, engine, "b")
    until(lambda: ran == ["a", "b"], 20)
    until(lambda: rows(engine, table) == 0, 20)
