"""The live workers, as they describe themselves: which queues they take, and whether they are busy or quiet."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..store.keys import Keys
from .search import pairs

if TYPE_CHECKING:
    from ..store.wire import Wire

MOST_PROCESSES = 1000


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
    found: list[Process] = []
    cursor: Any = b"0"
    while True:
        cursor, page = wire.command("SSCAN", keys.processes, cursor, "COUNT", 100)
        names = [one.decode("utf-8", "replace") for one in page]
        made = [_process(wire, keys, name) for name in names if name not in dead]
        found += [one for one in made if one is not None]
        if int(cursor) == 0 or len(found) >= MOST_PROCESSES:
            return found


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
    cursor: Any = b"0"
    while True:
        cursor, page = wire.command("HSCAN", keys.work(identity), cursor, "COUNT", 500)
        for _slot, value in pairs(page):
            entry = _object(value)
            if is_it(str(entry.get("payload", "")).encode("utf-8", "replace")):
                since = entry.get("run_at")
                return float(since) if isinstance(since, (int, float)) else None
        if int(cursor) == 0:
            return None


def identity_of(owner: str) -> str:
    """The process of an owner, ``IDENTITY/CAPSULE/INCARNATION``.

    Example:
        >>> identity_of("vm:17:e99db6c6b83b/default/1")
        'vm:17:e99db6c6b83b'
    """
    return owner.partition("/")[0]


def _process(wire: Wire, keys: Keys, identity: str) -> Process | None:
    """None for one whose hash has expired: it is gone."""
    info, concurrency, busy, quiet = wire.command(
        "HMGET", keys.process(identity), "info", "concurrency", "busy", "quiet"
    )
    if info is None:
        return None
    queues = _object(info).get("queues")
    names = frozenset(map(str, queues)) if isinstance(queues, list) else frozenset()
    return Process(identity, names, _number(concurrency), _number(busy), quiet == b"true")


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _number(raw: bytes | None) -> int:
    return int(raw) if raw is not None and raw.isdigit() else 0
