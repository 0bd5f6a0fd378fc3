"""Counts every job in every place and finds those that lie in more than one. Only reads.

A million ids do not fit into the memory of a small machine beside everything else: they are noted in a temporary
database on disk, which keeps a few megabytes in memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..store.keys import Keys
from ..store.scripts import load
from ..store.wire import Argument
from .desk import told
from .search import pairs

if TYPE_CHECKING:
    import sqlite3

    from ..store.wire import Wire

MOST_SUSPECTS = 1000
MOST_COPIES = 100
PAGE = 1000
PAGE_BYTES = 4_000_000
LIST, ZSET, HASH = "list", "zset", "hash"

_TABLES = """
CREATE TABLE seen (jid BLOB NOT NULL, place INTEGER NOT NULL);
CREATE TABLE copies (jid BLOB NOT NULL, place INTEGER NOT NULL, field BLOB NOT NULL, raw BLOB NOT NULL);
"""
_SUSPECTS = "SELECT jid, group_concat(place) FROM seen GROUP BY jid HAVING count(*) > 1 LIMIT ?"


@dataclass(frozen=True, slots=True)
class Place:
    """Where jobs lie.

    Attributes:
        key: The key.
        type: ``list``, ``zset`` or ``hash``.
        headed: True where each entry has a line before the payload: in the quarantine.
    """

    key: str
    type: str
    headed: bool = False


@dataclass(frozen=True, slots=True)
class Twice:
    """A job that lies in more than one place at the same moment.

    Attributes:
        jid: Its id.
        labels: The keys, without the prefix; one that has it twice is there twice.
    """

    jid: str
    labels: tuple[str, ...]


class Census:
    """One count.

    * it reads in pages of at most 1,000 entries or about 4 MB, place after place, while workers go on;
    * what it seems to have met twice may just have moved meanwhile: each such job is looked up once more, in one
      script, that is at one moment. Only what lies in two places then is told;
    * a job that moves past it is not met at all: of a living system it finds what stays wrong, not what passes.

    Args:
        wire: A connection.
        keys: Of the namespace.

    Attributes:
        jobs: How many were read.
        unread: How many entries were no job.
        complete: False when there were more suspects than are looked up.
    """

    def __init__(self, wire: Wire, keys: Keys) -> None:
        self._wire = wire
        self._keys = keys
        self.jobs = 0
        self.unread = 0
        self.complete = True

    def twice(self, queues: Iterable[str], owners: Iterable[str]) -> Iterator[Twice]:
        """The jobs that lie in more than one place.

        Args:
            queues: The names of all queues.
            owners: All owners that hold jobs.

        Raises:
            StoreError: Redis is away or refuses.
        """
        import sqlite3

        places = self._places(queues, owners)
        database = sqlite3.connect("")  # a file without a name: gone when it is closed, whatever happens
        try:
            database.executescript(_TABLES)
            for number, place in enumerate(places):
                database.executemany("INSERT INTO seen VALUES (?, ?)", self._ids(number, place))
            suspects = database.execute(_SUSPECTS, (MOST_SUSPECTS + 1,)).fetchall()
            self.complete = len(suspects) <= MOST_SUSPECTS
            if suspects:
                self._collect(database, places, suspects[:MOST_SUSPECTS])
            for (jid,) in database.execute("SELECT DISTINCT jid FROM copies ORDER BY jid"):
                labels = self._now(database, places, jid)
                if len(labels) > 1:
                    yield Twice(jid.decode("utf-8", "replace"), labels)
        finally:
            database.close()

    def _places(self, queues: Iterable[str], owners: Iterable[str]) -> list[Place]:
        keys = self._keys
        sets = (keys.schedule, keys.retry, keys.dead, keys.quarantine)
        return [
            *(Place(keys.inflight(owner), HASH) for owner in owners),
            *(Place(key, ZSET, headed=key == keys.quarantine) for key in sets),
            *(Place(keys.queue(name), LIST) for name in queues),
        ]

    def _ids(self, number: int, place: Place) -> Iterator[tuple[bytes, int]]:
        for _field, raw in self._entries(place):
            jid = jid_of(payload_of(raw, place))
            if jid is None:
                self.unread += 1
            else:
                self.jobs += 1
                yield _key(jid), number

    def _collect(self, database: sqlite3.Connection, places: Sequence[Place], suspects: Sequence[Any]) -> None:
        """Read the places of the suspects again, and keep their bytes."""
        wanted = {jid for jid, _places in suspects}
        for number in sorted({int(one) for _jid, met in suspects for one in str(met).split(",")}):
            found = (
                (key, number, field, raw)
                for field, raw in self._entries(places[number])
                if (jid := jid_of(payload_of(raw, places[number]))) is not None and (key := _key(jid)) in wanted
            )
            database.executemany("INSERT INTO copies VALUES (?, ?, ?, ?)", found)

    def _now(self, database: sqlite3.Connection, places: Sequence[Place], jid: bytes) -> tuple[str, ...]:
        """In which places a job lies, at one moment."""
        rows = "SELECT DISTINCT place, field, raw FROM copies WHERE jid = ? LIMIT ?"
        copies = database.execute(rows, (jid, MOST_COPIES)).fetchall()
        words: list[Argument] = []
        for number, field, raw in copies:
            words += (places[number].type, field, raw)
        met = self._wire.run(load("copies"), [places[number].key for number, _field, _raw in copies], words)
        there = {
            (number, (int(at),) if places[number].type == LIST else (field, raw))
            for (number, field, raw), found in zip(copies, met, strict=True)
            for at in found
        }
        return tuple(sorted(places[number].key.removeprefix(self._keys.prefix) for number, _which in there))

    # -- pages ---------------------------------------------------------------------------------------------

    def _entries(self, place: Place) -> Iterator[tuple[bytes, bytes]]:
        """Fields (of a list: how far from the end, and how far to look around there) and entries of a place."""
        if place.type == LIST:
            return self._of_list(place.key)
        return self._scanned("ZSCAN" if place.type == ZSET else "HSCAN", place.key)

    def _of_list(self, key: str) -> Iterator[tuple[bytes, bytes]]:
        """From the end that is taken next: what is pushed meanwhile moves nothing there."""
        done, size = 0, 100
        while True:
            page: list[bytes] = told(self._wire, [], "LRANGE", key, -done - size, -done - 1)
            window = fitting(page) // 2
            last = done + len(page) - 1
            yield from ((b"%d:%d" % (last - k, window), raw) for k, raw in enumerate(page))
            if len(page) < size:
                return
            done += size
            size = fitting(page)

    def _scanned(self, command: str, key: str) -> Iterator[tuple[bytes, bytes]]:
        cursor: Any = b"0"
        size = 100
        while True:
            cursor, page = told(self._wire, (b"0", []), command, key, cursor, "COUNT", size)
            found = pairs(page)
            if command == "ZSCAN":
                yield from ((b"", member) for member, _score in found)
            else:
                yield from ((field, raw) for field, raw in found if field != b"stopped")
            if int(cursor) == 0:
                return
            size = fitting([one for pair in found for one in pair if isinstance(one, bytes)])


def fitting(page: Sequence[bytes]) -> int:
    """How many entries to ask for, when they are as long as these: about 4 MB of them, 1 to 1,000.

    Example:
        >>> fitting([b"x" * 400]), fitting([b"x" * 1_000_000])
        (1000, 4)
    """
    average = sum(map(len, page)) // len(page) if page else 0
    return max(1, min(PAGE, PAGE_BYTES // max(average, 1)))


def payload_of(entry: bytes, place: Place) -> bytes:
    """The payload in an entry of a place."""
    return entry.partition(b"\n")[2] if place.headed else entry


def jid_of(payload: bytes) -> str | None:
    """The id in a payload, which may be anything; None when there is none to be read.

    Example:
        >>> jid_of(b'{"jid":"b4a5"}'), jid_of(b'[1]'), jid_of(b"[" * 100_000)
        ('b4a5', None, None)
    """
    try:
        record = json.loads(payload)
    except (ValueError, RecursionError, MemoryError):
        return None
    jid = record.get("jid") if isinstance(record, dict) else None
    return jid if isinstance(jid, str) else None


def _key(jid: str) -> bytes:
    return jid.encode("utf-8", "surrogatepass")
