"""The outbox: jobs written by a database transaction, and the relays that bring each into Redis, once.

A batch of rows gets a name before it is pushed, and Redis knows the name of what it has done: whenever a relay dies,
the next one repeats that very batch, and nothing is put twice. A batch is for one place, and so is a relay: a shard
that is away holds up nobody else's rows.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import Malformed
from ..job.push import PushRequest
from ..job.record import dumps, loads
from ..worker.putback import quarantine_entry
from ..worker.service import PeriodicService

if TYPE_CHECKING:
    from ..app import App

log = logging.getLogger("offsider.worker")

MOST = 500  # rows in one batch
POLL_S = 0.5
REMEMBER_S = 86_400  # for longer than a relay that has died may stay without a successor

Row = tuple[str, float | None, str | None]  # payload, when it is due, its shard (None: the app's own Redis)


class OutboxTable(Protocol):
    """The rows of a database, oldest first; each method is a transaction of its own."""

    def take(self, shard: str | None, batch: str, most: int) -> tuple[str, list[Row]]:
        """Of one place: the oldest batch with a name; else the oldest rows, after they have got the name ``batch``."""

    def forget(self, batch: str) -> None:
        """Delete the rows of a batch."""

    def counts(self) -> Mapping[str | None, int]:
        """How many rows there are for each place."""

    def close(self) -> None:
        """Let go of the connection of this thread; called after each round."""


class Relay(PeriodicService):
    """Brings the batches of one place into its Redis, in order. Any number may run at once: they repeat each other.

    * the name is committed before the push, the rows are deleted after it: a death in between repeats the push;
    * a push with a name that Redis knows puts nothing;
    * a row that is no job, cut off by a database or edited by hand, goes into the quarantine: it holds up no other.
    """

    def __init__(self, app: App, table: OutboxTable, *, shard: str | None = None, poll_s: float = POLL_S) -> None:
        self.name = "outbox relay" if shard is None else f"outbox relay of shard {shard}"
        super().__init__()
        self._app = app
        self._table = table
        self._shard = shard
        self._poll_s = poll_s

    def tick(self) -> float:
        """Bring one batch over; at once again when there was one."""
        try:
            return 0.0 if self.bring() else self._poll_s
        finally:
            self._table.close()

    def bring(self) -> int:
        """Bring one batch over; how many jobs it had."""
        batch, rows = self._table.take(self._shard, os.urandom(9).hex(), MOST)
        if rows:
            client = self._app.client_at(self._shard)
            requests, odd = from_rows(rows)
            if odd:
                client.put_aside(odd)
            client.push_once(f"outbox-{batch}", requests, remember_s=REMEMBER_S)
            self._table.forget(batch)
        return len(rows)


def row(app: App, request: PushRequest) -> Row:
    """What is kept of a request that was accepted; where it goes is decided here, as for a push."""
    return dumps(request.record).decode(), request.at_s, app.place_of(request)


def from_rows(rows: Iterable[Row]) -> tuple[list[PushRequest], list[bytes]]:
    """The jobs of rows; and entries of the quarantine for those that are none, which would hold up all others."""
    requests: list[PushRequest] = []
    odd: list[bytes] = []
    job: Any = None  # only client middleware asks for it, and that has seen the request
    for payload, at_s, _shard in rows:
        raw = payload.encode("utf-8", "surrogatepass")
        try:
            requests.append(PushRequest(loads(raw), at_s, job, waits=False, accepted=True))
        except Malformed as error:
            log.error("a row of the outbox was put into quarantine: %s", error)
            odd.append(quarantine_entry("", f"from the outbox: {error}", raw, at_ms=0))  # the same each time
    return requests, odd
