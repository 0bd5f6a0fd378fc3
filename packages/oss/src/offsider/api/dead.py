"""The dead set: jobs with no retries left, kept to be looked at and run again by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .. import clock
from ..errors import InvalidOption, Malformed, shown
from ..job import record as records
from ..store.connection import Connections
from ..store.keys import Keys
from ..store.scripts import Script
from ..store.wire import Argument, Wire

PAGE = 100
MOST_A_PAGE = 1000
READ_TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class DeadJob:
    """One dead job.

    Attributes:
        jid, name, queue: As it was enqueued.
        died_s: When it died, epoch seconds.
        error: ``ErrorClass: message`` of its last failure.
        record: All of its payload.
    """

    jid: str
    name: str
    queue: str
    died_s: float
    error: str
    record: records.Record


class DeadSet:
    """What ``app.dead`` is.

    Bytes that are no job are not listed here: they lie in the quarantine, or were put here by another program.

    Example:
        >>> for job in app.dead.jobs():             # doctest: +SKIP
        ...     print(job.name, job.error)
        ...     app.dead.retry(job.jid)
    """

    def __init__(self, connections: Connections, keys: Keys, move: Script) -> None:
        self._keys = keys
        self._move = move
        self._wire: Wire = connections.wire("dead set", read_timeout_s=READ_TIMEOUT_S)

    def __len__(self) -> int:
        """How many there are.

        Raises:
            StoreError: Redis is away or refuses.
        """
        return int(self._wire.command("ZCARD", self._keys.dead))

    def jobs(self, *, count: int = PAGE, skip: int = 0) -> list[DeadJob]:
        """A page of them, the newest first.

        Args:
            count: How many at most, 1 to 1000.
            skip: How many of the newest to leave out.

        Raises:
            InvalidOption: ``count`` or ``skip`` is no such number.
            StoreError: Redis is away or refuses.
        """
        if type(count) is not int or not 1 <= count <= MOST_A_PAGE:
            raise InvalidOption(f"count is {shown(count)}: expected a whole number from 1 to {MOST_A_PAGE}")
        if type(skip) is not int or skip < 0:
            raise InvalidOption(f"skip is {shown(skip)}: expected a whole number, 0 or more")
        reply = self._wire.command("ZRANGE", self._keys.dead, skip, skip + count - 1, "REV", "WITHSCORES")
        return [made for member, score in _scored(reply) if (made := _dead_job(member, score)) is not None]

    def retry(self, jid: str) -> bool:
        """Put a dead job back into its queue; the attempt it gets uses none of its retries.

        Returns:
            True when it was there and is in its queue now; False when there is no such job (any more).

        Raises:
            StoreError: Redis is away or refuses; it may be repeated.
        """
        for member in self._members():
            try:
                record = records.loads(member)
            except Malformed:
                continue
            if record["jid"] == jid:
                return self._put_back(member, record)
        return False

    def close(self) -> None:
        """Drop the connection."""
        self._wire.close()

    def _members(self) -> Iterator[bytes]:
        cursor: Any = b"0"
        while True:
            cursor, found = self._wire.command("ZSCAN", self._keys.dead, cursor, "COUNT", MOST_A_PAGE)
            yield from (member for member, _score in _scored(found))
            if int(cursor) == 0:
                return

    def _put_back(self, member: bytes, record: records.Record) -> bool:
        queue = str(record.get("queue") or "default")
        record["retry_count"] = int(record.get("retry_count", 0)) - 1
        record["enqueued_at"] = clock.now_ms()
        record.pop("crashes", None)
        keys = [self._keys.dead, self._keys.queues, self._keys.quarantine]
        keys += [self._keys.queue(queue), self._keys.bell(queue)]
        words: list[Argument] = [len(self._keys.queue("")) + 1, member, len(keys) - 1, records.rewritten(record)]
        return bool(self._wire.run(self._move, keys, words))


def _scored(reply: list[Any]) -> list[tuple[bytes, float]]:
    """Members and scores: one flat list by RESP2, pairs by RESP3."""
    if reply and isinstance(reply[0], (list, tuple)):
        return [(member, float(score)) for member, score in reply]
    return [(reply[k], float(reply[k + 1])) for k in range(0, len(reply), 2)]


def _dead_job(member: bytes, score: float) -> DeadJob | None:
    try:
        record = records.loads(member)
    except Malformed:
        return None
    error = f"{record.get('error_class', '')}: {record.get('error_message', '')}"
    return DeadJob(record["jid"], record["class"], str(record.get("queue") or "default"), score, error, record)
