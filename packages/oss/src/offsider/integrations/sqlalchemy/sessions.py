"""Which session is the one that a push waits for: named by a block, or followed by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, Table, event
from sqlalchemy.orm import Session, SessionTransaction

from ...errors import ConfigError, shown
from ...job.push import Later
from ..relays import relay_in_workers
from .outbox import SqlTable
from .waiting import wait

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from ...app import App

# The session, and its transaction when it is followed: a task that outlives it must not wait for the next one.
_current: ContextVar[tuple[Session, SessionTransaction | None] | None] = ContextVar("offsider_session", default=None)
_BEFORE = "offsider.before"


def install(app: App, *, outbox: Table | None = None, engine: Engine | None = None) -> None:
    """Let pushes of an app wait for sessions; call it where the app is defined.

    Args:
        app: The app.
        outbox: The table of an outbox, made by `outbox_table`; None to push right after the commit.
        engine: With an outbox: how workers read it. A synchronous one, also beside sessions that are not.

    Raises:
        ConfigError: An outbox without an engine, or the other way round.
        SeamClosed: Too late: the app has pushed already.

    Example:
        >>> from offsider import App
        >>> app = App(editions=[])
        >>> install(app)
    """
    if (outbox is None) != (engine is None):
        raise ConfigError("an outbox needs both: install(app, outbox=the table, engine=how workers read it)")

    def deferral() -> Later | None:
        session = _open_session()
        return None if session is None else partial(wait, app, session, outbox)

    app.deferrals.add("sqlalchemy", deferral, by="SQLAlchemy")
    if outbox is not None and engine is not None:
        relay_in_workers(app, partial(SqlTable, engine, outbox), by="SQLAlchemy")


@contextmanager
def after_commit(session: Session | AsyncSession) -> Iterator[None]:
    """Let what is enqueued in this block wait for the next commit of a session, wherever that is.

    Args:
        session: The session; a transaction is begun when it has none.

    Raises:
        ConfigError: It is no session.

    Example:
        >>> with Session() as session, after_commit(session):
        ...     pass  # session.add(user); welcome.enqueue(user.id); session.commit()
    """
    token = _current.set((_sync(session), None))
    try:
        yield
    finally:
        _current.reset(token)


def follow(sessions: Any) -> None:
    """Let what is enqueued wait whenever one of these sessions has begun a transaction in this thread or task.

    A session begins one with its first query, a reading one, too, and a session that is closed without a commit rolls
    it back: its jobs are dropped, which is logged. So follow sessions that are always committed.

    Args:
        sessions: A `sessionmaker`, a `scoped_session`, or a class of sessions; of asynchronous ones their
            ``sync_session_class``.
    """
    event.listen(sessions, "after_transaction_create", _began)
    event.listen(sessions, "after_transaction_end", _ended)


def _began(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info[_BEFORE] = _current.get()
        _current.set((session, transaction))


def _ended(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        before = session.info.pop(_BEFORE, None)
        if _current.get() == (session, transaction):
            _current.set(before)


def _open_session() -> Session | None:
    current = _current.get()
    if current is None:
        return None
    session, transaction = current
    return session if transaction is None or session.get_transaction() is transaction else None


def _sync(session: Any) -> Session:
    found = getattr(session, "sync_session", session)
    if isinstance(found, Session):
        return found
    called = found() if callable(found) else None  # a scoped_session gives the session of this thread
    if isinstance(called, Session):
        return called
    raise ConfigError(f"after_commit({shown(session)}): expected a Session or an AsyncSession")
