"""Finds one job by its id, wherever it lies in Redis. Reads in pages, changes nothing, and stops at a limit."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import clock
from ..errors import InvalidOption, Malformed, shown
from ..job import record as records
from ..store.keys import Keys
from .desk import told
from .entry import in_calendar

if TYPE_CHECKING:
    from ..store.wire import Wire

QUEUE = "queue"
IN_FLIGHT = "in flight"
RETRY = "retry"
SCHEDULE = "schedule"
DEAD = "dead"
QUARANTINE = "quarantine"
PLACES = (QUEUE, IN_FLIGHT, RETRY, SCHEDULE, DEAD, QUARANTINE)
PAGE = 500
AHEAD = 4 * PAGE  # how far towards its end a job of a queue may have moved since it was seen
MOST_LETTERS = 200


@dataclass(frozen=True, slots=True)
class Found:
    """Where a job lies.

    Attributes:
        place: One of this module's places.
        raw: The payload.
        queue: The queue whose list it is in, or was taken from; empty elsewhere.
        position, length: In a queue: 1 is taken next; how many there are.
        at_s: In a sorted set its score; in flight the end of its owner's lease. Epoch seconds.
        owner, field: In flight: who holds it, under which name.
        reason: In quarantine: why.
    """

    place: str
    raw: bytes
    queue: str = ""
    position: int | None = None
    length: int | None = None
    at_s: float | None = None
    owner: str = ""
    field: str = ""
    reason: str = ""

    @property
    def record(self) -> records.Record | None:
        """The payload, parsed; None when it is no job."""
        try:
            return records.loads(self.raw)
        except Malformed:
            return None


@dataclass(frozen=True, slots=True)
class Near:
    """Where a job was seen: looked at first. It is only a hint: what is not there is looked for everywhere.

    Attributes:
        place: One of this module's places.
        queue, position: In a queue: its name, and 1 for what is taken next.
        at_s: In a sorted set: its score.
        process: In flight: who has it.
    """

    place: str
    queue: str = ""
    position: int = 0
    at_s: float = 0.0
    process: str = ""


class Search:
    """One search for one id.

    * at most ``limit`` entries are looked at, of a long queue those that are taken next; of them, as many as there is
      time for when it is to end ``within_s`` seconds;
    * where the job was seen last is looked at first, if that is known;
    * jobs move while we look: what was found nowhere is looked for once more.

    Attributes:
        looked_at: How many entries were looked at in the last pass.
        complete: False when the limit or its time has ended it.
    """

    def __init__(
        self,
        wire: Wire,
        keys: Keys,
        jid: str,
        *,
        limit: int,
        near: Near | None = None,
        within_s: float | None = None,
    ) -> None:
        self._wire = wire
        self._near = near
        self._keys = keys
        self._jid = jid
        self._limit = limit
        self._until_s = None if within_s is None else clock.monotonic_s() + within_s
        text = json.dumps(jid, ensure_ascii=False).encode()
        self._needle = text
        self._field = re.compile(rb'"jid"\s*:\s*' + re.escape(text))
        self.looked_at = 0
        self.complete = True

    def find(self) -> Found | None:
        """The job, or None.

        Raises:
            StoreError: Redis is away or refuses.
        """
        seen = None if self._near is None else self._seen(self._near)
        if seen is not None:
            return seen
        for _ in range(2):
            self.looked_at, self.complete = 0, True
            found = self._pass()
            if found is not None or not self.complete:
                return found
        return None

    def is_it(self, raw: bytes) -> bool:
        """True when these are the bytes of the job."""
        if self._needle not in raw:
            return False
        try:
            return bool(records.loads(raw)["jid"] == self._jid)
        except Malformed:
            return self._field.search(raw) is not None

    # -- places --------------------------------------------------------------------------------------------

    def _pass(self) -> Found | None:
        """The queues come last: they may be long, and a job that leaves one meanwhile is met by the second pass."""
        keys = self._keys
        looks: list[Callable[[], Found | None]] = [
            self._in_flight,
            lambda: self._in_set(RETRY, keys.retry),
            lambda: self._in_set(SCHEDULE, keys.schedule),
            lambda: self._in_set(DEAD, keys.dead),
            lambda: self._in_set(QUARANTINE, keys.quarantine),
            self._in_queues,
        ]
        for look in looks:
            found = look()
            if found is not None:
                return found
        return None

    def _seen(self, near: Near) -> Found | None:
        """Where it was, and what it may have moved to in its queue meanwhile."""
        keys = self._keys
        sets = {RETRY: keys.retry, SCHEDULE: keys.schedule, DEAD: keys.dead, QUARANTINE: keys.quarantine}
        if near.place == QUEUE:
            return self._around(near.queue, near.position)
        if near.place == IN_FLIGHT:
            return self._in_flight(near.process)
        words = ("ZRANGEBYSCORE", sets[near.place], repr(near.at_s), repr(near.at_s), "WITHSCORES", "LIMIT", 0, PAGE)
        return self._in_page(near.place, pairs(told(self._wire, [], *words)))

    def _around(self, name: str, position: int) -> Found | None:
        key, last = self._keys.queue(name), position + PAGE
        first = max(1, position - AHEAD)
        page: list[bytes] = told(self._wire, [], "LRANGE", key, -last, -first)
        for number, raw in enumerate(reversed(page), first):
            if self.is_it(raw):
                length = max(number, int(told(self._wire, 0, "LLEN", key)))
                return Found(QUEUE, raw, name, position=number, length=length)
        return None

    def _in_flight(self, process: str = "") -> Found | None:
        """In the hands of any owner, or of those of one process."""
        for start in range(0, self._limit, PAGE):
            owners = pairs(self._wire.command("ZRANGE", self._keys.owners, start, start + PAGE - 1, "WITHSCORES"))
            for name, lease_ms in owners:
                owner = name.decode("utf-8", "replace")
                if process and owner.partition("/")[0] != process:
                    continue
                for field, raw in self._scan("HSCAN", self._keys.inflight(owner)):
                    if self.is_it(raw):
                        label = field.decode("utf-8", "replace")
                        queue = label.partition(":")[2]
                        return Found(IN_FLIGHT, raw, queue, at_s=float(lease_ms) / 1000, owner=owner, field=label)
            if len(owners) < PAGE:
                break
        return None

    def _in_set(self, place: str, key: str) -> Found | None:
        return self._in_page(place, self._scan("ZSCAN", key))

    def _in_page(self, place: str, entries: Iterable[tuple[Any, ...]]) -> Found | None:
        for member, score in entries:
            header, raw = parted(member) if place == QUARANTINE else ({}, member)
            if self.is_it(raw):
                queue, reason = (str(header.get(name, "")) for name in ("queue", "reason"))
                return Found(place, raw, queue, at_s=in_calendar(float(score)), reason=reason)
        return None

    def _in_queues(self) -> Found | None:
        for (name,) in self._scan("SSCAN", self._keys.queues):
            found = self.in_queue(name.decode("utf-8", "replace"))
            if found is not None:
                return found
        return None

    def in_queue(self, name: str) -> Found | None:
        """The job in this queue, or None; raises like `find`."""
        key = self._keys.queue(name)
        length = int(told(self._wire, 0, "LLEN", key))
        # Towards the end that is taken next: what is pushed or taken meanwhile hides nothing from us.
        start = max(0, length - (self._limit - self.looked_at))
        self.complete = self.complete and start == 0
        while self._may_go_on():
            page: list[bytes] = told(self._wire, [], "LRANGE", key, start, start + PAGE - 1)
            for number, raw in enumerate(page, start):
                if self.is_it(raw):
                    length = max(length, number + 1)
                    return Found(QUEUE, raw, name, position=length - number, length=length)
            self.looked_at += len(page)
            start += len(page)
            if len(page) < PAGE:
                break
        return None

    # -- pages ---------------------------------------------------------------------------------------------

    def _scan(self, command: str, key: str) -> Iterator[tuple[bytes, ...]]:
        """All entries of a set, sorted set (with scores) or hash (with values)."""
        cursor: Any = b"0"
        while self._may_go_on():
            cursor, page = told(self._wire, (b"0", []), command, key, cursor, "COUNT", PAGE)
            entries = [(one,) for one in page] if command == "SSCAN" else pairs(page)
            self.looked_at += len(entries)
            yield from entries
            if int(cursor) == 0:
                return

    def _may_go_on(self) -> bool:
        late = self._until_s is not None and clock.monotonic_s() > self._until_s
        if late or self.looked_at >= self._limit:
            self.complete = False
            return False
        return True


def checked_jid(jid: object) -> str:
    """The id itself when it may be one.

    Raises:
        InvalidOption: It is no text of 1 to 200 letters.
    """
    if type(jid) is str and 0 < len(jid) <= MOST_LETTERS:
        return jid
    raise InvalidOption(f"jid is {shown(jid)}: expected the text that enqueue returned, e.g. 24 hex letters")


def pairs(reply: Any) -> list[tuple[Any, Any]]:
    """Pairs out of a reply: one flat list by RESP2, pairs or a map by RESP3."""
    if isinstance(reply, dict):
        return list(reply.items())
    if reply and isinstance(reply[0], (list, tuple)):
        return [(one[0], one[1]) for one in reply]
    return [(reply[k], reply[k + 1]) for k in range(0, len(reply), 2)]


def parted(entry: bytes) -> tuple[dict[str, Any], bytes]:
    """The first line of an entry of the quarantine, and the bytes below it."""
    line, newline, raw = entry.partition(b"\n")
    try:
        header = json.loads(line)
    except ValueError:
        return {}, entry
    return (header, raw) if newline and isinstance(header, dict) else ({}, entry)
