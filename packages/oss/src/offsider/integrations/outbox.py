"""The outbox: jobs written by a database transaction, and the relay that brings each into Redis, once.

A batch of rows gets a name before it is pushed, and Redis knows the name of what it has done: whenever a relay dies,
the next one repeats that very batch, and nothing is put twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from ..job.push import PushRequest
from ..job.record import dumps, loads
from ..worker.service import PeriodicService

if TYPE_CHECKING:
    from ..app import App

MOST = 500  # rows in one batch
POLL_S = 0.5
SHARD = "shard"
REMEMBER_S = 86_400  # for longer than a relay that has died may stay without a successor

Row = tuple[str, float | None]  # payload, when it is due


class OutboxTable(Protocol):
    """The rows of a database, oldest first; each method is a transaction of its own."""

    def take(self, batch: str, most: int) -> tuple[str, list[Row]]:
        """The oldest batch that has a name; else the oldest rows, after they have got the name ``batch``."""

    def forget(self, batch: str) -> None:
        """Delete the rows of a batch."""

    def close(self) -> None:
        """Let go of the connection of this thread; called after each round."""


class Relay(PeriodicService):
    """Brings batches into Redis, in order. Any number of them may run at once: they repeat each other harmlessly.

    * the name is committed before the push, the rows are deleted after it: a death in between repeats the push;
    * a push with a name that Redis knows puts nothing.
    """

    name = "outbox relay"

    def __init__(self, app: App, table: OutboxTable, *, poll_s: float = POLL_S) -> None:
        super().__init__()
        self._app = app
        self._table = table
        self._poll_s = poll_s

    def tick(self) -> float:
        """Bring one batch over; at once again when there was one."""
        try:
            return 0.0 if self.bring() else self._poll_s
        finally:
            self._table.close()

    def bring(self) -> int:
        """Bring one batch over; how many jobs it had."""
        batch, rows = self._table.take(os.urandom(9).hex(), MOST)
        if rows:
            requests = [_request(payload, at_s) for payload, at_s in rows]
            self._app.client.push_once(f"outbox-{batch}", requests, remember_s=REMEMBER_S)
            self._table.forget(batch)
        return len(rows)


def row(request: PushRequest) -> Row:
    """What is kept of a request that was accepted."""
    # The shard that a call or a middleware has said travels in the row only: it is taken out before the push.
    record = request.record if request.shard is None else {**request.record, SHARD: request.shard}
    return dumps(record).decode(), request.at_s


def relay_in_workers(app: App, make_table: Callable[[], OutboxTable]) -> None:
    """Let every worker of an app run a relay, from its start to its end."""
    running: list[Relay] = []

    def start() -> None:
        if not running:  # a start that fails after this event is tried again, and tells of itself again
            running.append(Relay(app, make_table()))
            running[-1].start()

    def stop() -> None:
        while running:
            running.pop().stop()

    app.events.on("startup", start, by="the outbox")
    app.events.on("shutdown", stop, by="the outbox")


def _request(payload: str, at_s: float | None) -> PushRequest:
    job: Any = None  # only client middleware asks for it, and that has seen the request
    record = loads(payload.encode())
    shard = record.pop(SHARD, None)
    return PushRequest(record, at_s, job, waits=False, accepted=True, shard=shard)
