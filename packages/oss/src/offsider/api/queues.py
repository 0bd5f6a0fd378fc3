"""The queues: how long, how late, what is in them; jobs found and deleted. What is in flight is not theirs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from .. import clock
from ..contract.effects import DELETED
from ..job.record import check_name
from .desk import told
from .entry import JobEntry, read, seconds
from .page import LIMIT, PAGE, SLICE, Page, check_page, checked_cursor
from .search import Found, Search, checked_jid
from .where import Where

if TYPE_CHECKING:
    from ..store.wire import Argument, Wire
    from .manage import Management

MOST_ENTRIES = 10_000_000
MOST_TRIES = 3
_STAMP = re.compile(rb'"enqueued_at":(\d{10,15})(?=[,}])')


@dataclass(frozen=True, slots=True)
class QueueInfo:
    """One queue at one moment.

    Attributes:
        name: Its name.
        size: How many jobs wait in it.
        latency_s: How long the job that is taken next has waited; 0 for an empty queue.
    """

    name: str
    size: int
    latency_s: float

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return asdict(self)


class Queues:
    """What ``app.queues`` is: the queues that were ever enqueued into, and not cleared since.

    Example:
        >>> for queue in app.queues:                    # doctest: +SKIP
        ...     print(queue.name, queue.size, queue.latency_s)
        >>> app.queues["mail"].size                     # doctest: +SKIP
        120
    """

    def __init__(self, app: Management) -> None:
        self._app = app

    def names(self) -> list[str]:
        """Their names, sorted.

        Raises:
            StoreError: Redis is away or refuses.
        """
        with self._app.desk.wire() as wire:
            found: set[str] = set()
            cursor: Any = b"0"
            while True:
                cursor, page = wire.command("SSCAN", self._app.keys.queues, cursor, "COUNT", SLICE)
                found.update(name.decode("utf-8", "replace") for name in page)
                if int(cursor) == 0:
                    return sorted(found)

    def __iter__(self) -> Iterator[QueueInfo]:
        """Each with its size and latency, by name."""
        return iter([Queue(self._app, name).info() for name in self.names()])  # Ruby takes any name

    def __len__(self) -> int:
        """How many there are."""
        with self._app.desk.wire() as wire:
            return int(wire.command("SCARD", self._app.keys.queues))

    def __bool__(self) -> bool:
        """Always True."""
        return True

    def __contains__(self, name: object) -> bool:
        with self._app.desk.wire() as wire:
            return isinstance(name, str) and bool(wire.command("SISMEMBER", self._app.keys.queues, name))

    def __getitem__(self, name: str) -> Queue:
        """One of them; one that nobody has enqueued into is empty.

        Raises:
            InvalidName: It is no name of a queue.
        """
        return Queue(self._app, check_name("queue", name))


class Queue:
    """One queue. May be used by several threads.

    Attributes:
        name: Its name.
    """

    def __init__(self, app: Management, name: str) -> None:
        self.name = name
        self._app = app
        self._key = app.keys.queue(name)

    def __repr__(self) -> str:
        return f"<Queue {self.name}>"

    # -- looking -------------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """How many jobs wait.

        Raises:
            StoreError: Redis is away or refuses.
        """
        with self._app.desk.wire() as wire:
            return int(told(wire, 0, "LLEN", self._key))

    @property
    def latency_s(self) -> float:
        """How long the job that is taken next has waited; 0 when there is none, or it does not say."""
        with self._app.desk.wire() as wire:
            return waited_s(told(wire, None, "LINDEX", self._key, -1), clock.now_s())

    def info(self) -> QueueInfo:
        """Size and latency."""
        return QueueInfo(self.name, self.size, self.latency_s)

    def __len__(self) -> int:
        """How many jobs wait."""
        return self.size

    def __bool__(self) -> bool:
        """Always True: an empty queue is a queue."""
        return True

    def __iter__(self) -> Iterator[JobEntry]:
        """All of them, the newest first, page by page.

        What is there all the time is met; what is pushed meanwhile is not. While workers take hundreds of jobs between
        two pages, one may be met twice.
        """
        left, before = len(self), frozenset[bytes]()
        while left > 0:
            first = max(0, left - SLICE)
            with self._app.desk.wire() as wire:
                page: list[bytes] = told(wire, [], "LRANGE", self._key, -left, -first - 1)
            for k, raw in enumerate(page):
                # What is taken at the other end moves all that are left towards it.
                if raw not in before and (one := read(raw, position=left - k)) is not None:
                    yield one
            left, before = first, frozenset(page)

    def jobs(self, *, count: int = PAGE, skip: int = 0, newest: bool = False) -> list[JobEntry]:
        """A page of them. Bytes that are no job are left out: a worker puts them into quarantine.

        Args:
            count: How many at most, 1 to 1000.
            skip: How many to leave out before.
            newest: False for those that are taken next, the next one first; True for those that came last, the last
                one first.

        Raises:
            InvalidOption: ``count`` or ``skip`` is no such number.
            StoreError: Redis is away or refuses.
        """
        check_page(count, skip)
        last = skip + count - 1
        with self._app.desk.wire() as wire:
            if newest:
                length = int(told(wire, 0, "LLEN", self._key))
                page = told(wire, [], "LRANGE", self._key, skip, last)
                places = range(length - skip, -1, -1)
            else:
                page = told(wire, [], "LRANGE", self._key, -last - 1, -skip - 1)[::-1]
                places = range(skip + 1, last + 2)
        return [one for raw, k in zip(page, places, strict=False) if (one := read(raw, position=k)) is not None]

    def find(self, jid: str) -> JobEntry | None:
        """The job with this id; None when it is not here. It looks at the whole queue, in pages of 500.

        Raises:
            InvalidOption: ``jid`` is no id.
            StoreError: Redis is away or refuses.
        """
        with self._app.desk.wire() as wire:
            found = Search(wire, self._app.keys, checked_jid(jid), limit=MOST_ENTRIES).in_queue(self.name)
        return None if found is None else read(found.raw, position=found.position)

    def search(
        self,
        text: str | None = None,
        *,
        name: str | None = None,
        tag: str | None = None,
        limit: int = PAGE,
        cursor: str | None = None,
        within_s: float | None = None,
    ) -> Page:
        """Jobs that fit, a part of them at a time, those that are taken next first. 10,000 entries a call at most.

        All of them travel here to be looked at. Jobs that are taken between two parts move the rest: as many of it may
        be passed over.

        Args:
            text: Somewhere in the payload; see `Where` for this and the others: all that is given must hold.
            name, tag: Of the job.
            limit: End this part once it has so many jobs, 1 to 1000; it may have some more.
            cursor: The last part's.
            within_s: End this part after so many seconds, about; at least 500 entries are looked at.

        Returns:
            A page; a search is over when its ``cursor`` is None, not when there is nothing in it.

        Raises:
            InvalidOption: A condition, ``limit`` or ``cursor`` cannot be.
            StoreError: Redis is away or refuses.
        """
        check_page(limit, 0)
        where = Where(text=text, name=name, tag=tag)
        first = skip = int(checked_cursor(cursor))
        found: list[JobEntry] = []
        until_s = clock.monotonic_s() + (math.inf if within_s is None else within_s)
        with self._app.desk.wire() as wire:
            while True:
                page = told(wire, [], "LRANGE", self._key, -skip - SLICE, -skip - 1)[::-1]
                entries = (read(raw, position=k) for k, raw in enumerate(page, skip + 1) if where.may_fit(raw))
                found += [one for one in entries if one is not None and where.fits(one.record, one.raw)]
                skip += len(page)
                enough = len(found) >= limit or skip - first >= LIMIT or clock.monotonic_s() > until_s
                if len(page) < SLICE or enough:
                    break
        return Page(tuple(found), str(skip) if len(page) == SLICE else None, skip - first)

    # -- acting --------------------------------------------------------------------------------------------

    def delete(self, jid: str) -> bool:
        """Delete a job that waits here.

        A list has no quick way to its middle: the search reads the queue in pages, and the deletion itself holds up
        Redis for about 0.15 µs an entry between the job and the nearer end, 15 ms for 100,000.

        Returns:
            True when it was here; False when there is no such job, or a worker was quicker.

        Raises:
            InvalidOption: ``jid`` is no id.
            StoreError: Redis is away or refuses; it may be repeated.
        """
        with self._app.desk.wire() as wire:
            for _ in range(MOST_TRIES):
                found = Search(wire, self._app.keys, checked_jid(jid), limit=MOST_ENTRIES).in_queue(self.name)
                if found is None:
                    return False
                if remove(self._app, wire, found, DELETED):
                    self._tell(found)
                    return True
        return False

    def _tell(self, found: Found) -> None:
        record = found.record
        if record is not None:
            self._app.events.emit("deleted", record)

    def clear(self) -> int:
        """Delete all that waits here now, in one step; returns how many. What is in flight goes on.

        The event ``deleted`` is not emitted: nobody looks at the jobs.

        Raises:
            StoreError: Redis is away or refuses; it may be repeated.
        """
        keys = self._app.keys
        with self._app.desk.wire() as wire:
            names = [self._key, keys.queues, keys.bell(self.name)]
            return int(wire.run(self._app.scripts["clear"], names, [self.name]))


def remove(app: Management, wire: Wire, found: Found, move: str) -> bool:
    """Take a job out of its queue, byte for byte, from the nearer end; False when it is not there any more.

    Args:
        app: Whose Redis.
        wire: A connection.
        found: Where it was.
        move: What effects call it: ``deleted`` or ``cancelled``.

    Raises:
        StoreError: Redis is away or refuses.
    """
    next_is_nearer = (found.position or 1) * 2 <= (found.length or 1)
    composer, record = app.composer, found.record
    calls = [] if record is None else [(0, call) for call in composer.safe_calls(move, record)]
    words: list[Argument] = [-1 if next_is_nearer else 1, found.raw]
    return bool(wire.run(*composer.request(app.scripts["remove"], [app.keys.queue(found.queue)], words, calls)))


def waited_s(raw: bytes | None, now_s: float) -> float:
    """How long a payload says that it has waited; 0 when it does not say, or says what cannot be."""
    since_s = None if raw is None else _since_s(raw)
    return 0.0 if since_s is None else max(0.0, now_s - since_s)


def _since_s(raw: bytes) -> float | None:
    """Its stamp is read past the rest, which is 25 times as fast, where there can be no doubt which one it is."""
    stamps = _STAMP.findall(raw)
    if len(stamps) == 1:
        return seconds(int(stamps[0]))
    entry = read(raw)
    return None if entry is None else entry.enqueued_s or entry.created_s
