"""Which jobs have expired: counted and noted in memory, written with the heartbeat, read by whoever asks.

Never on the path of a job. What a process that is killed has not written yet is missing: these are statistics.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offsider import clock
from offsider.errors import Malformed, StoreError
from offsider.job import record as records

from .keys import ProKeys
from .scripts import script_of

if TYPE_CHECKING:
    from offsider import App
    from offsider.store.wire import Argument

log = logging.getLogger("offsider.pro")

MOST_NOTES = 1000
DAY_KEPT_S = 5 * 365 * 86_400
READ_TIMEOUT_S = 10.0
WRITE_TIMEOUT_S = 2.0  # the heartbeat waits for it


@dataclass(frozen=True, slots=True)
class ExpiredJob:
    """A job that was ended because its time was over.

    Attributes:
        jid, name, queue: As it was enqueued.
        expired_ms: Its deadline, by the server's clock.
    """

    jid: str
    name: str
    queue: str
    expired_ms: int


class ExpiredJobs:
    """The expired jobs of an app.

    Args:
        app: Whose.

    Example:
        >>> for job in ExpiredJobs(app).recent():       # doctest: +SKIP
        ...     print(job.name, job.jid)
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._notes: deque[ExpiredJob] = deque(maxlen=MOST_NOTES)
        self._count = 0
        self._lock = threading.Lock()

    def note(self, record: records.Record, queue: str, expired_ms: int) -> None:
        """A job has expired just now."""
        with self._lock:
            self._notes.append(ExpiredJob(record["jid"], record["class"], queue, expired_ms))
            self._count += 1

    def write(self) -> None:
        """Write what was noted; what cannot be written now is kept for the next time."""
        with self._lock:
            notes, count = list(self._notes), self._count
            self._notes.clear()
            self._count = 0
        if not count:
            return
        try:
            self._send(notes, count)
        except StoreError as error:
            log.warning("%d expired jobs could not be counted (%s); again with the next heartbeat", count, error)
            with self._lock:
                room = MOST_NOTES - len(self._notes)
                self._notes.extendleft(notes[::-1][:room])  # what came meanwhile is newer, and stays
                self._count += count

    def recent(self) -> list[ExpiredJob]:
        """Those that expired last, the latest first; at most a thousand.

        Raises:
            StoreError: Redis is away or refuses.
        """
        key = ProKeys(self._app.keys).expired
        members = self._ask("ZRANGE", key, 0, MOST_NOTES - 1, "REV")
        return [job for member in members if (job := _read(member)) is not None]

    def count(self) -> int:
        """How many have expired in all.

        Raises:
            StoreError: Redis is away or refuses.
        """
        return int(self._ask("GET", self._app.keys.stat("expired")) or 0)

    def find(self, jid: str) -> ExpiredJob | None:
        """One of the recent ones; None when it is not among them."""
        return next((job for job in self.recent() if job.jid == jid), None)

    def _send(self, notes: list[ExpiredJob], count: int) -> None:
        app = self._app
        keys = [ProKeys(app.keys).expired, app.keys.stat("expired"), app.keys.stat("expired", clock.utc_day())]
        words: list[Argument] = [count, MOST_NOTES, DAY_KEPT_S]
        for job in notes:
            words += [job.expired_ms, _written(job)]
        wire = app.connections.wire("expired", read_timeout_s=WRITE_TIMEOUT_S, connect_timeout_s=WRITE_TIMEOUT_S)
        try:
            wire.run(script_of(app, "expired"), keys, words)
        finally:
            wire.close()

    def _ask(self, *words: Argument) -> Any:
        wire = self._app.connections.wire("expired", read_timeout_s=READ_TIMEOUT_S)
        try:
            return wire.command(*words)
        finally:
            wire.close()


def _written(job: ExpiredJob) -> bytes:
    return records.dumps({"jid": job.jid, "class": job.name, "queue": job.queue, "args": [], "at": job.expired_ms})


def _read(member: bytes) -> ExpiredJob | None:
    """A note; None for bytes that are none."""
    try:
        record = records.loads(member)
        return ExpiredJob(record["jid"], record["class"], str(record["queue"]), int(record["at"]))
    except (Malformed, KeyError, TypeError, ValueError):
        return None
