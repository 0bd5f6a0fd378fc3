"""A push waits for the commit of the session that a block names, or that is followed; a rollback drops it."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from offsider import App, EnqueueUncertain
from offsider.errors import ConfigError
from offsider.testing.proxy import Proxy

pytest.importorskip("sqlalchemy")
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from offsider.integrations.sqlalchemy import after_commit, follow, install, outbox_table


@pytest.fixture
def note(app: App) -> Any:
    """A job of an app that waits for sessions."""
    install(app)

    @app.job(name="note", queue="notes")
    def note(text: str) -> None: ...

    return note


def waiting(app: App, raw: Any) -> int:
    """How many jobs are in Redis."""
    return int(raw.llen(app.keys.queue("notes")))


# -- a block -----------------------------------------------------------------------------------------------------


def test_it_waits_for_the_commit_also_after_the_block(app: App, note: Any, engine: Any, raw: Any) -> None:
    with Session(engine) as session:
        with after_commit(session):
            assert note.enqueue("a")
            assert len(note.enqueue_many([("b",), ("c",)])) == 2
            note.using(transaction=False).enqueue("at once")
        note.enqueue("outside")
        assert waiting(app, raw) == 2
        session.commit()
        assert waiting(app, raw) == 5
        session.commit()
        assert waiting(app, raw) == 5


def test_a_rollback_and_a_close_drop_it_and_say_so(
    app: App, note: Any, engine: Any, raw: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with Session(engine) as session, after_commit(session):
        note.enqueue("rolled back")
        session.rollback()
        session.commit()
        note.enqueue("closed")
    with Session(engine) as session, after_commit(session):
        note.enqueue("kept")
        session.commit()
    assert waiting(app, raw) == 1
    said = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert said == ["1 jobs were dropped with a transaction that was not committed: note"] * 2


def test_a_savepoint_keeps_or_drops_its_own(app: App, note: Any, engine: Any, raw: Any, metadata: Any) -> None:
    with Session(engine) as session, after_commit(session):
        note.enqueue("before")
        with session.begin_nested():
            note.enqueue("kept")
            with pytest.raises(ZeroDivisionError):
                fail_within(session, note)
        assert waiting(app, raw) == 0, "the end of a savepoint is no commit"
        session.commit()
    assert waiting(app, raw) == 2


def fail_within(session: Session, note: Any) -> None:
    """A savepoint that is rolled back, with one inside of it that was released."""
    with session.begin_nested():
        note.enqueue("dropped")
        with session.begin_nested():
            note.enqueue("released, and dropped")
        raise ZeroDivisionError


def test_the_data_is_there_when_the_job_is(app: App, note: Any, engine: Any, raw: Any, metadata: Any) -> None:
    users = metadata.tables["users"]
    with Session(engine) as session, after_commit(session), session.begin():
        session.execute(insert(users), [{"name": "Ada"}])
        note.enqueue("Ada")
    assert waiting(app, raw) == 1
    with engine.connect() as connection:
        assert connection.scalars(select(users.c.name)).all() == ["Ada"]


def test_an_error_of_the_push_leaves_the_session_usable(engine: Any) -> None:
    app = App("redis://127.0.0.1:1/0", editions=[], redis={"push_deadline_s": 0.05})
    install(app)

    @app.job
    def note() -> None: ...

    with Session(engine) as session, after_commit(session):
        note.enqueue()
        with pytest.raises(Exception, match="could not be enqueued"):
            session.commit()
        session.commit()
    app.close()


def test_a_push_in_doubt_is_repeated_with_all_that_waited(
    make_app: Callable[..., App], engine: Any, redis_url: str, raw: Any
) -> None:
    proxy = Proxy(redis_url)
    app = make_app(proxy.url, redis={"push_deadline_s": 0.1})
    install(app)

    @app.job(queue="notes")
    def note(text: str) -> None: ...

    proxy.cut()
    with Session(engine) as session, after_commit(session):
        jids = [note.enqueue("a"), note.enqueue("b"), *note.enqueue_many([("c",), ("d",)])]
        with pytest.raises(EnqueueUncertain) as caught:
            session.commit()
    proxy.mend()
    assert caught.value.again() == jids
    proxy.close()
    assert waiting(app, raw) == 4


def test_scoped_sessions_and_what_is_none(app: App, note: Any, engine: Any, raw: Any) -> None:
    scoped = scoped_session(sessionmaker(engine))
    with after_commit(scoped):  # type: ignore[arg-type]
        note.enqueue("a")
        scoped.commit()
    scoped.remove()
    assert waiting(app, raw) == 1
    with pytest.raises(ConfigError, match="expected a Session"), after_commit(engine):
        pass
    with pytest.raises(ConfigError, match="needs both"):
        install(app, engine=engine)


# -- followed ----------------------------------------------------------------------------------------------------


def test_followed_sessions_need_no_block(app: App, note: Any, engine: Any, raw: Any) -> None:
    sessions = sessionmaker(engine)
    follow(sessions)
    with sessions() as session:
        note.enqueue("no transaction has begun")
        assert waiting(app, raw) == 1
        session.begin()
        note.enqueue("a")
        with sessions.begin():
            note.enqueue("of the inner one")
            assert waiting(app, raw) == 1
        assert waiting(app, raw) == 2
        note.enqueue("of the outer one")
        session.commit()
        assert waiting(app, raw) == 4
        note.enqueue("after it")
        assert waiting(app, raw) == 5


def test_a_task_that_outlives_the_transaction_pushes_at_once(app: App, note: Any, engine: Any, raw: Any) -> None:
    sessions = sessionmaker(engine)
    follow(sessions)

    async def later(committed: asyncio.Event) -> None:
        await committed.wait()
        await note.aenqueue("later")

    async def main() -> None:
        committed = asyncio.Event()
        with sessions.begin():
            task = asyncio.create_task(later(committed))
            await note.aenqueue("a")
        committed.set()
        await task
        await app.aclose()

    asyncio.run(main())
    assert waiting(app, raw) == 2


# -- asynchronous --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("followed", [False, True])
def test_asynchronous_sessions(app: App, note: Any, engine: Any, path: Path, raw: Any, followed: bool) -> None:
    pytest.importorskip("aiosqlite")

    class Followed(Session):
        pass

    follow(Followed)

    async def main() -> None:
        aengine = create_async_engine(f"sqlite+aiosqlite:///{path}")
        kind = Followed if followed else Session
        async with AsyncSession(aengine, sync_session_class=kind) as session:
            if followed:
                await session.connection()
                await note.aenqueue("a")
                note.enqueue("b")
            else:
                with after_commit(session):
                    await note.aenqueue("a")
                    note.enqueue("b")
            assert waiting(app, raw) == 0
            await session.commit()
            assert waiting(app, raw) == 2
            with after_commit(session):
                await note.aenqueue("dropped")
                await session.rollback()
        await aengine.dispose()
        await app.aclose()

    asyncio.run(main())
    assert waiting(app, raw) == 2


def test_names_are_in_one_place() -> None:
    import offsider.integrations.sqlalchemy as package

    assert set(package.__all__) == {"after_commit", "follow", "install", "outbox_table"}
    assert outbox_table


WITHOUT_GREENLET = """
import sys
sys.modules["greenlet"] = None
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from offsider import App
from offsider.integrations.sqlalchemy import after_commit, install

app = App(sys.argv[1], editions=[])
install(app)
job = app.job(name="note", queue="notes")(lambda: None)
with Session(create_engine("sqlite://")) as session, after_commit(session):
    job.enqueue()
    session.commit()
"""


def test_a_commit_pushes_where_there_is_no_greenlet(redis_url: str, raw: Any) -> None:
    environment = {**os.environ, "OFFSIDER_EDITIONS": "oss"}
    subprocess.run([sys.executable, "-c", WITHOUT_GREENLET, redis_url], env=environment, timeout=60, check=True)
    assert raw.llen("{offsider}:queue:notes") == 1
