"""The relays of an outbox in the workers of a process, which share them; and a look at rows that nobody can bring."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from .. import clock
from ..contract.findings import OK, WARNING, Finding
from ..worker.service import PeriodicService
from .outbox import OutboxTable, Relay

if TYPE_CHECKING:
    from ..app import App

log = logging.getLogger("offsider.worker")

LOOK_EVERY_S = 60.0
STOP_S = 5.0
_ADVICE = (
    "Add the table [shards.NAME] again, or give them to another shard: UPDATE the column shard of these rows, and set"
    " batch to NULL"
)


def relay_in_workers(app: App, make_table: Callable[[], OutboxTable], *, by: str) -> None:
    """Let the workers of an app run a relay for each of its Redises, and its doctor look at the rows.

    Args:
        app: Whose.
        make_table: Makes the table; called in each process that needs it.
        by: Whose outbox, e.g. ``Django``.

    Raises:
        SeamClosed: Too late: a worker was made already.
    """
    relays = Relays(app, make_table)
    app.services.add(f"outbox of {by}", lambda _worker: _Share(relays), by=by)
    app.checks.add(f"outbox of {by}", lambda asked, _facts: look(app, make_table()) if asked is app else (), by=by)


def strays(app: App, table: OutboxTable) -> dict[str, int]:
    """How many rows there are for shards that the settings do not have, by shard. They stay, and hold up nobody."""
    counts = table.counts().items()
    return {shard: count for shard, count in counts if shard is not None and shard not in app.settings.shards}


def look(app: App, table: OutboxTable) -> Iterable[Finding]:
    """What the doctor says of an outbox."""
    try:
        waiting, lost = sum(table.counts().values()), strays(app, table)
    finally:
        table.close()
    if not lost:
        return [Finding("outbox", OK, f"{waiting:,} jobs are on their way")]
    said = ", ".join(f"{count:,} for {shard!r}" for shard, count in lost.items())
    return [Finding("outbox", WARNING, f"jobs stay for shards that are not in the settings: {said}", "none", _ADVICE)]


class Relays:
    """The relays of one process: they run while at least one worker of it does.

    Args:
        app: Whose; one relay for each of its Redises, which do not wait for each other.
        make_table: Makes the table that they share.
    """

    def __init__(self, app: App, make_table: Callable[[], OutboxTable]) -> None:
        self._app = app
        self._make_table = make_table
        self._lock = threading.Lock()
        self._holders: set[object] = set()
        self._running: list[PeriodicService] = []

    def enter(self, holder: object) -> None:
        """Somebody needs them; the first one starts them, all or none."""
        with self._lock:
            if not self._holders:
                self._start()
            self._holders.add(holder)

    def leave(self, holder: object, timeout_s: float) -> None:
        """Somebody needs them no more; the last one ends them. Tolerates who is not there."""
        with self._lock:
            self._holders.discard(holder)
            if self._holders:
                return
            running, self._running = self._running, []
        _stop(running, timeout_s)

    def _start(self) -> None:
        begun: list[PeriodicService] = []
        try:
            for service in self._made():
                begun.append(service)
                service.start()
        except BaseException:
            _stop(begun, STOP_S)
            raise
        self._running = begun

    def _made(self) -> list[PeriodicService]:
        table = self._make_table()
        relays = [Relay(self._app, table, shard=shard) for shard in (None, *self._app.settings.shards)]
        return [*relays, _Strays(self._app, table)]


def _stop(running: Iterable[PeriodicService], timeout_s: float) -> None:
    until_s = clock.monotonic_s() + timeout_s
    for service in running:
        service.stop(max(0.0, until_s - clock.monotonic_s()))


class _Share:
    """One worker's part of them; a `Service`."""

    def __init__(self, relays: Relays) -> None:
        self._relays = relays

    def start(self) -> None:
        """Need them."""
        self._relays.enter(self)

    def stop(self, timeout_s: float = STOP_S) -> None:
        """Need them no more."""
        self._relays.leave(self, timeout_s)


class _Strays(PeriodicService):
    """Tells of rows for a shard that is not in the settings; once for each shard."""

    name = "outbox strays"

    def __init__(self, app: App, table: OutboxTable) -> None:
        super().__init__()
        self._app = app
        self._table = table
        self._told: set[str] = set()

    def tick(self) -> float:
        """Look once."""
        try:
            found = strays(self._app, self._table)
        finally:
            self._table.close()
        for shard, count in found.items():
            if shard not in self._told:
                self._told.add(shard)
                log.error(
                    "%d jobs of the outbox stay: they are for shard %r, which is not in the settings. %s",
                    count,
                    shard,
                    _ADVICE,
                )
        return LOOK_EVERY_S
