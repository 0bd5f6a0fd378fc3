"""What waits for the commit of a session: pushed after it, or written by it, or dropped. One list for each session."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, event, insert
from sqlalchemy.orm import Session, SessionTransaction

from ...job.push import PushRequest
from ..outbox import row
from ..pushes import Pushes

if TYPE_CHECKING:
    from ...app import App

log = logging.getLogger("offsider.client")

_KEY = "offsider.waiting"


@dataclass(slots=True)
class _Entry:
    app: App
    outbox: Table | None
    requests: Sequence[PushRequest]
    transaction: SessionTransaction | None


@dataclass(slots=True)
class _Waiting:
    entries: list[_Entry]
    committed: bool = False


def wait(app: App, session: Session, outbox: Table | None, requests: Sequence[PushRequest]) -> None:
    """Keep requests until the transaction of a session ends."""
    if not session.in_transaction():
        session.begin()
    waiting = _of(session)
    transaction = session.get_nested_transaction() or session.get_transaction()
    waiting.entries.append(_Entry(app, outbox, requests, transaction))


def _of(session: Session) -> _Waiting:
    waiting: _Waiting | None = session.info.get(_KEY)
    if waiting is None:
        waiting = session.info[_KEY] = _Waiting([])
        event.listen(session, "before_commit", _write)
        event.listen(session, "after_commit", _committed)
        event.listen(session, "after_soft_rollback", _rolled_back)
        event.listen(session, "after_transaction_end", _ended)
    return waiting


# These are called for savepoints, too: a session has no nested transaction when its own is at its end.


def _write(session: Session) -> None:
    """Those of an outbox become rows of this very transaction."""
    if session.get_nested_transaction() is not None:
        return
    session.flush()  # the commit would flush after this: what its events enqueue belongs to the transaction, too
    waiting: _Waiting = session.info[_KEY]
    for entry in [one for one in waiting.entries if one.outbox is not None]:
        names = ("payload", "at_s", "shard")
        rows = [dict(zip(names, row(entry.app, request), strict=True)) for request in entry.requests]
        session.execute(insert(_table(entry)), rows)
        waiting.entries.remove(entry)


def _committed(session: Session) -> None:
    if session.get_nested_transaction() is None:
        session.info[_KEY].committed = True


def _rolled_back(session: Session, transaction: SessionTransaction) -> None:
    waiting: _Waiting = session.info[_KEY]
    kept = [one for one in waiting.entries if not _is_within(one.transaction, transaction)]
    _tell_dropped(waiting.entries, kept)
    waiting.entries = kept


def _ended(session: Session, transaction: SessionTransaction) -> None:
    """Push, now that the session is free again: whatever becomes of it, the data is committed."""
    if transaction.parent is not None:
        return
    waiting: _Waiting = session.info[_KEY]
    entries, committed = waiting.entries, waiting.committed
    waiting.entries, waiting.committed = [], False
    if not committed:
        _tell_dropped(entries, [])
        return
    if entries:
        _push(Pushes((entry.app, entry.requests) for entry in entries))


def _push(pushes: Pushes) -> None:
    if _is_on_a_loop():  # the commit of an AsyncSession: its loop is not to be blocked
        from sqlalchemy.util import concurrency

        concurrency.await_only(pushes.ago())
    else:
        pushes.go()


def _is_on_a_loop() -> bool:
    if sys.modules.get("greenlet") is None:  # which asynchronous sessions cannot do without, and others need not have
        return False
    from sqlalchemy.util import concurrency

    return bool(getattr(concurrency, "in_greenlet", bool)())


def _is_within(transaction: SessionTransaction | None, outer: SessionTransaction) -> bool:
    while transaction is not None:
        if transaction is outer:
            return True
        transaction = transaction.parent
    return False


def _tell_dropped(entries: Sequence[_Entry], kept: Sequence[_Entry]) -> None:
    dropped: list[Any] = [request for one in entries if one not in kept for request in one.requests]
    if dropped:
        names = sorted({request.job.name for request in dropped})
        log.warning(
            "%d jobs were dropped with a transaction that was not committed: %s", len(dropped), ", ".join(names)
        )


def _table(entry: _Entry) -> Table:
    assert entry.outbox is not None  # _write() asks for those only
    return entry.outbox
