"""The live workers, as they describe themselves: which queues they take, and whether they are busy or quiet."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..store.hashes import mapped, read
from ..store.keys import Keys
from .desk import told
from .search import pairs

if TYPE_CHECKING:
    from ..store.wire import Wire

MOST_PROCESSES = 1000
WORKS_AT_ONCE = 20
_STAMP = re.compile(rb" ?(\d{1,12}(?:\.\d+)?)[,}]")


@dataclass(frozen=True, slots=True)
class Process:
    """One live process.

    Attributes:
        identity: ``host:pid:nonce``.
        queues: What it takes.
        concurrency, busy: Its slots, and how many of them run a job, as of its last heartbeat.
        quiet: True when it fetches no more.
    """

    identity: str
    queues: Collection[str]
    concurrency: int
    busy: int
    quiet: bool


def living(wire: Wire, keys: Keys, now_s: float) -> list[Process]:
    """The processes that are listed, and whose leases have not ended; at most a thousand.

    Args:
        wire: A connection.
        keys: Of the namespace.
        now_s: The server's time.

    Raises:
        StoreError: Redis is away or refuses.
    """
    now_ms = round(now_s * 1000)
    ended = wire.command("ZRANGEBYSCORE", keys.owners, "-inf", now_ms, "LIMIT", 0, MOST_PROCESSES)
    dead = {identity_of(owner.decode("utf-8", "replace")) for owner in ended}
    made = [_process(wire, keys, name) for name in listed(wire, keys) if name not in dead]
    return [one for one in made if one is not None]


def listed(wire: Wire, keys: Keys) -> list[str]:
    """The identities in the set of processes, the living and the gone; a thousand or a little more at most.

    Args:
        wire: A connection.
        keys: Of the namespace.

    Raises:
        StoreError: Redis is away or refuses.
    """
    found: dict[str, None] = {}
    cursor: Any = b"0"
    while True:
        cursor, page = wire.command("SSCAN", keys.processes, cursor, "COUNT", 100)
        found.update(dict.fromkeys(one.decode("utf-8", "replace") for one in page))
        if int(cursor) == 0 or len(found) >= MOST_PROCESSES:
            return list(found)


@dataclass(frozen=True, slots=True)
class WorkEntry:
    """One entry of a process' work set: a job that it runs, as of its last heartbeat.

    Attributes:
        slot: Its place there: a capsule and a number, or a thread of Ruby's.
        queue: Where it was taken from.
        payload: The bytes of the job.
        since_s: When it started, epoch seconds; None when that is not told.
        progress: ``(done, total, note)`` as the body reported it last.
    """

    slot: str
    queue: str
    payload: bytes
    since_s: float | None
    progress: tuple[float, float, str] | None


def work_of(wire: Wire, keys: Keys, identity: str) -> Iterator[WorkEntry]:
    """What a process says that it runs.

    Args:
        wire: A connection.
        keys: Of the namespace.
        identity: The process.

    Raises:
        StoreError: Redis is away or refuses.
    """
    cursor: Any = b"0"
    while True:
        cursor, page = told(wire, (b"0", []), "HSCAN", keys.work(identity), cursor, "COUNT", 500)
        for slot, value in pairs(page):
            yield work_entry(slot, value)
        if int(cursor) == 0:
            return


def works(wire: Wire, keys: Keys, identities: Sequence[str]) -> list[tuple[str, bytes, bytes]]:
    """What several processes say that they run, as it lies there: the process, the slot, and what `work_entry` reads.

    Raises:
        StoreError: Redis is away or refuses.
    """
    found = read(wire, [keys.work(one) for one in identities], at_once=WORKS_AT_ONCE)
    told_by = zip(identities, map(mapped, found), strict=True)
    return [(identity, slot, value) for identity, entries in told_by for slot, value in entries.items()]


def work_entry(slot: bytes, value: bytes) -> WorkEntry:
    """An entry of a work set, which may be anything."""
    entry = as_object(value)
    since = entry.get("run_at")
    return WorkEntry(
        slot.decode("utf-8", "replace"),
        str(entry.get("queue", "")),
        str(entry.get("payload", "")).encode("utf-8", "replace"),
        float(since) if isinstance(since, (int, float)) else None,
        _progress(entry.get("progress")),
    )


def work_since_s(value: bytes) -> float:
    """Since when a job runs, of an entry of a work set; 0 when it does not say.

    It is read past the rest where it stands there as we write it, which is ten times as fast.

    Example:
        >>> work_since_s(b'{"queue":"mail","payload":"{\\\\"run_at\\\\":7}","run_at":5}')
        5.0
    """
    before, _, after = value.rpartition(b'"run_at":')
    stamp = _STAMP.match(after)
    if stamp and not before.endswith(b"\\"):  # within a text, as the payload is, its quotes have one before them
        return float(stamp[1])
    return work_entry(b"", value).since_s or 0.0


def running_since(wire: Wire, keys: Keys, identity: str, is_it: Callable[[bytes], bool]) -> float | None:
    """Since when a process says that it runs a job; None when it does not say that it does.

    Args:
        wire: A connection.
        keys: Of the namespace.
        identity: The process.
        is_it: Of the bytes of a payload: whether they are the job.

    Raises:
        StoreError: Redis is away or refuses.
    """
    return next((one.since_s for one in work_of(wire, keys, identity) if is_it(one.payload)), None)


def identity_of(owner: str) -> str:
    """The process of an owner, ``IDENTITY/CAPSULE/INCARNATION``.

    Example:
        >>> identity_of("vm:17:e99db6c6b83b/default/1")
        'vm:17:e99db6c6b83b'
    """
    return owner.partition("/")[0]


def _progress(given: object) -> tuple[float, float, str] | None:
    if not (isinstance(given, list) and len(given) == 3):
        return None
    done, total, note = given
    numbers = isinstance(done, (int, float)) and isinstance(total, (int, float))
    return (float(done), float(total), str(note)) if numbers else None


def _process(wire: Wire, keys: Keys, identity: str) -> Process | None:
    """None for one whose hash has expired: it is gone."""
    fields = ("info", "concurrency", "busy", "quiet")
    info, concurrency, busy, quiet = told(wire, [None] * 4, "HMGET", keys.process(identity), *fields)
    if info is None:
        return None
    queues = as_object(info).get("queues")
    names = frozenset(map(str, queues)) if isinstance(queues, list) else frozenset()
    return Process(identity, names, as_number(concurrency), as_number(busy), quiet == b"true")


def as_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in these bytes; an empty one when they are none."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def as_number(raw: bytes | None) -> int:
    """The whole number in these bytes; 0 when they are none."""
    return int(raw) if raw is not None and raw.isdigit() and len(raw) < 20 else 0
