"""Which keys what waits in Redis is encrypted with. Reads in pages, changes nothing, opens nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from offsider.api.desk import told
from offsider.api.search import QUARANTINE, pairs, parted
from offsider.errors import Malformed
from offsider.job.record import loads
from offsider.job.sealing import FIELD as SEALED

from .token import Refused, Token, is_token, parse

if TYPE_CHECKING:
    from offsider.api.manage import Management
    from offsider.job.record import Record
    from offsider.store.wire import Wire

PAGE = 200
SETS = ("schedule", "retry", "dead")
MARK = b'"sealed":'


@dataclass(slots=True)
class Survey:
    """What was found.

    Attributes:
        jobs: How many jobs are encrypted, by place: ``queue NAME``, ``schedule``, ``retry``, ``dead``, ``in flight``,
            ``quarantine``.
        tokens: How many values are, by ``name:fingerprint`` of their key.
        looked_at: How many entries were looked at.
        complete: False when a limit has ended it.
    """

    jobs: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    looked_at: int = 0
    complete: bool = True

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "jobs": dict(self.jobs), "tokens": dict(self.tokens), "looked_at": self.looked_at,
            "complete": self.complete,
        }  # fmt: skip


def survey(app: Management, *, most: int | None = None) -> Survey:
    """Look at what waits, is dead, in flight, or in quarantine, from where it may be put back.

    Args:
        app: Whose Redis: an app or a shard.
        most: How many entries to look at, at most; None for all.

    Raises:
        StoreError: Redis is away or refuses.
    """
    found = Survey()
    with app.desk.wire() as wire:
        for place, raw in _entries(app, wire):
            if most is not None and found.looked_at >= most:
                found.complete = False
                break
            found.looked_at += 1
            tokens = tokens_of(raw)
            if tokens:
                found.jobs[place] += 1
                found.tokens.update(f"{one.key_id}:{one.fingerprint.hex()}" for one in tokens)
    return found


def tokens_of(raw: bytes) -> list[Token]:
    """The tokens in an entry; none in what is no job, or not encrypted."""
    if MARK not in raw:
        return []
    try:
        record = loads(raw)
    except Malformed:
        return []
    return [token for text in _texts(record) if (token := _parsed(text)) is not None]


def _texts(record: Record) -> Iterator[Any]:
    for name in record.get(SEALED) or {}:
        value = record.get(name)
        yield from value if isinstance(value, list) else value.values() if isinstance(value, dict) else (value,)


def _parsed(text: Any) -> Token | None:
    try:
        return parse(text, "") if is_token(text) else None
    except Refused:
        return None


def _entries(app: Management, wire: Wire) -> Iterator[tuple[str, bytes]]:
    keys = app.keys
    for place in SETS:
        for member, _score in _scanned(wire, "ZSCAN", getattr(keys, place)):
            yield place, member
    for member, _score in _scanned(wire, "ZSCAN", keys.quarantine):
        yield QUARANTINE, parted(member)[1]
    for owner in _owners(wire, keys.owners):
        for _field, raw in _scanned(wire, "HSCAN", keys.inflight(owner)):
            yield "in flight", raw
    for name in app.queues.names():
        for raw in _queued(wire, keys.queue(name)):
            yield f"queue {name}", raw


def _owners(wire: Wire, key: str) -> list[str]:
    return [owner.decode("utf-8", "replace") for owner in told(wire, [], "ZRANGE", key, 0, -1)]


def _scanned(wire: Wire, command: str, key: str) -> Iterator[tuple[Any, Any]]:
    cursor: Any = b"0"
    while True:
        cursor, page = told(wire, (b"0", []), command, key, cursor, "COUNT", PAGE)
        yield from pairs(page)
        if int(cursor) == 0:
            return


def _queued(wire: Wire, key: str) -> Iterator[bytes]:
    """From the end that is pushed to: what is pushed meanwhile moves entries away from here, never past."""
    start = 0
    while True:
        page: list[bytes] = told(wire, [], "LRANGE", key, start, start + PAGE - 1)
        yield from page
        start += len(page)
        if len(page) < PAGE:
            return
