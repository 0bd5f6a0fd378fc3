"""The quarantine: what no worker could run, with its bytes and the reason. Looked at, deleted, or put back."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .. import clock
from ..contract.effects import DELETED, QUEUED, Call
from ..errors import InvalidArguments, InvalidOption, Malformed, shown
from ..job import record as records
from ..store.wire import Argument
from .entry import JobEntry, in_calendar, read
from .page import PAGE, SLICE, check_page
from .search import pairs, parted
from .where import EVERY, Where

if TYPE_CHECKING:
    from .manage import Management

_ID = re.compile(r"(\d{1,18})-([0-9a-f]{8})")
MOST_LETTERS = 200
_NEAR_S = 0.000_002  # the score is a float: one to be found by its microseconds lies within this


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One entry.

    Attributes:
        id: Names it in calls, whatever its bytes are.
        reason: Why no worker could run it.
        queue: Where it was taken from, and goes back to.
        at_s: When it came; epoch seconds.
        job: The job that the bytes are, e.g. one that no worker knew; None when they are none.
        payload: The bytes as they were.
        raw: All bytes of the entry.
    """

    id: str
    reason: str
    queue: str
    at_s: float
    job: JobEntry | None
    payload: bytes = field(repr=False)
    raw: bytes = field(repr=False)

    @property
    def jid(self) -> str:
        """The job's id; empty when the bytes are no job."""
        return "" if self.job is None else self.job.jid

    @property
    def name(self) -> str:
        """The job's name; empty when the bytes are no job."""
        return "" if self.job is None else self.job.name

    @property
    def text(self) -> str:
        """The bytes to be read: what is no UTF-8 is written ``\\xff``."""
        return self.payload.decode("utf-8", "backslashreplace")

    def to_dict(self, *, whole: bool = False) -> dict[str, Any]:
        """All of it for JSON; the bytes themselves, as base64, when it is to be ``whole``."""
        told = {
            "id": self.id, "reason": self.reason, "queue": self.queue, "at_s": self.at_s, "jid": self.jid,
            "name": self.name, "is_job": self.job is not None, "size": len(self.payload), "text": self.text,
        }  # fmt: skip
        return {**told, "base64": base64.b64encode(self.payload).decode()} if whole else told


class Quarantine:
    """What ``app.quarantine`` is.

    * an entry is named by its ``id``, or by the id of its job;
    * who puts one back and who deletes it at the same moment: one does it, the other gets False;
    * `retry` gives a job back as it was: it is on its way as if it had never been here. Bytes that are no job go back
      only once they are repaired.

    May be used by several threads.

    Example:
        >>> for entry in app.quarantine.entries():          # doctest: +SKIP
        ...     print(entry.reason, entry.text)
        ...     app.quarantine.retry(entry.id)
    """

    def __init__(self, app: Management) -> None:
        self._app = app
        self._key = app.keys.quarantine

    def __len__(self) -> int:
        """How many there are.

        Raises:
            StoreError: Redis is away or refuses.
        """
        with self._app.desk.wire() as wire:
            return int(wire.command("ZCARD", self._key))

    def __bool__(self) -> bool:
        """Always True: an empty one is one."""
        return True

    def __iter__(self) -> Iterator[Quarantined]:
        """All of them, slice by slice, in no order; each that is there all the time is met."""
        return self.matching(EVERY)

    def entries(self, *, count: int = PAGE, skip: int = 0, newest: bool = True) -> list[Quarantined]:
        """A page of them, the newest first.

        Args:
            count: How many at most, 1 to 1000.
            skip: How many to leave out before.
            newest: False for the oldest first.

        Raises:
            InvalidOption: ``count`` or ``skip`` is no such number.
            StoreError: Redis is away or refuses.
        """
        check_page(count, skip)
        words: list[Argument] = ["ZRANGE", self._key, skip, skip + count - 1]
        with self._app.desk.wire() as wire:
            return _entries(wire.command(*words, *(["REV"] if newest else []), "WITHSCORES"))

    def matching(self, where: Where) -> Iterator[Quarantined]:
        """Those that fit, slice by slice, in no order.

        Args:
            where: Which ones: ``text`` is somewhere in the entry, its reason too; ``queue`` is where it goes back to;
                ``jids`` are ids of jobs, or of entries; the others hold for what is a job.

        Raises:
            StoreError: Redis is away or refuses.
        """
        # An id is no part of the bytes, so that a pattern with it would find nothing.
        conditions, cursor = replace(where, jids=None), b"0"
        while True:
            with self._app.desk.wire() as wire:
                given = wire.command("ZSCAN", self._key, cursor, "MATCH", conditions.pattern, "COUNT", SLICE)
            cursor = given[0] if isinstance(given[0], bytes) else str(given[0]).encode()
            yield from (one for one in _entries(given[1]) if _fits(one, where.jids, conditions))
            if cursor == b"0":
                return

    def find(self, id: str) -> Quarantined | None:
        """The entry with this id, which is found at once, or that of the job with this id; None when it is not here.

        Raises:
            InvalidOption: It is no id.
            StoreError: Redis is away or refuses.
        """
        if type(id) is not str or not 0 < len(id) <= MOST_LETTERS:
            raise InvalidOption(f"id is {shown(id)}: expected that of an entry, or of its job")
        named = _ID.fullmatch(id)
        if named is None:
            return next(self.matching(Where(jids=[id])), None)
        at_s = int(named[1]) / 1e6
        words = ("ZRANGEBYSCORE", self._key, repr(at_s - _NEAR_S), repr(at_s + _NEAR_S), "WITHSCORES")
        with self._app.desk.wire() as wire:
            return next((one for one in _entries(wire.command(*words)) if one.id == id), None)

    # -- acting ------------------------------------------------------------------------------------------------

    def delete(self, id: str) -> bool:
        """Delete an entry; whoever listens to ``deleted`` is told when it is a job.

        Returns:
            True when it was there; False when there is no such entry (any more).

        Raises:
            InvalidOption: It is no id.
            StoreError: Redis is away or refuses; it may be repeated.
        """
        entry = self.find(id)
        return entry is not None and self._do("delete", [entry]) == 1

    def delete_all(self, where: Where = EVERY) -> int:
        """Delete all of them, or those that fit; returns how many.

        Without a condition it is one step, however many there are, unless somebody listens to the event ``deleted``, or
        an edition has effects: then they are looked at.

        Raises:
            StoreError: Redis is away or refuses; what was done is done, and it may be repeated.
        """
        if where.is_all and not self._app.events.heard("deleted") and not self._app.composer.fields:
            with self._app.desk.wire() as wire:
                return int(wire.run(self._app.scripts["clear"], [self._key], [""]))
        return sum(self._do("delete", some) for some in _some(self.matching(where)))

    def retry(self, id: str, *, repaired: bytes | None = None) -> bool:
        """Put an entry back into its queue now; a worker is woken.

        Args:
            id: Of the entry, or of its job.
            repaired: The payload to put there instead of its bytes.

        Returns:
            True when it was here and is in its queue; False when there is no such entry (any more).

        Raises:
            InvalidOption: It is no id.
            InvalidArguments: The bytes are no job: nothing was changed.
            StoreError: Redis is away or refuses; it may be repeated.
        """
        entry = self.find(id)
        if entry is None:
            return False
        payload = entry.payload if repaired is None else repaired
        _check_job(payload)
        return self._do("queue", [replace(entry, payload=payload, job=read(payload, at_s=entry.at_s))]) == 1

    def retry_all(self, where: Where = EVERY) -> int:
        """Put all that are jobs, or those that fit, back into their queues; returns how many.

        Raises:
            StoreError: Redis is away or refuses; what was done is done, and it may be repeated.
        """
        fitting = (one for one in self.matching(where) if one.job is not None)
        return sum(self._do("queue", some) for some in _some(fitting))

    def _do(self, kind: str, entries: Sequence[Quarantined]) -> int:
        """One slice, in one change; then whoever listens is told. Returns how many it was done to."""
        keys = self._app.keys
        queues: dict[str, int] = {}
        words: list[Argument] = [len(keys.queue("")) + 1, 0, 0]
        for entry in entries:
            if kind == "queue" and entry.job is not None:
                place = queues.setdefault(entry.queue, 5 + 2 * len(queues))
                words += (kind, entry.raw, place, _anew(entry.job.record))
            else:
                words += (kind, entry.raw, 0, b"")
        names = [self._key, keys.dead, keys.queues, keys.schedule_bell]
        names += [key for queue in queues for key in (keys.queue(queue), keys.bell(queue))]
        request = self._app.composer.request(self._app.scripts["act"], names, words, self._calls(kind, entries))
        with self._app.desk.wire() as wire:
            done = wire.run(*request)
        moved = [entry for entry, count in zip(entries, done, strict=True) if count]
        for job in [one.job for one in moved if kind == "delete" and one.job is not None]:
            self._app.events.emit("deleted", job.record)
        return len(moved)

    def _calls(self, kind: str, entries: Sequence[Quarantined]) -> list[tuple[str | int, Call]]:
        """What effects have to do when these are moved."""
        composer, move = self._app.composer, QUEUED if kind == "queue" else DELETED
        if not composer.fields:
            return []
        jobs = [(k, one.job) for k, one in enumerate(entries)]
        return [(k, call) for k, job in jobs if job is not None for call in composer.safe_calls(move, job.record)]


def _entries(scored: Any) -> list[Quarantined]:
    return [_read(member, float(score)) for member, score in pairs(scored)]


def _read(member: bytes, at_s: float) -> Quarantined:
    header, payload = parted(member)
    at_s = in_calendar(at_s)
    job = read(payload, at_s=at_s)
    queue = str(header.get("queue") or "") or ("default" if job is None else job.queue)
    name = f"{round(at_s * 1e6)}-{hashlib.sha256(member).hexdigest()[:8]}"
    return Quarantined(name, str(header.get("reason", "")), queue, at_s, job, payload, member)


def _fits(entry: Quarantined, ids: Any, conditions: Where) -> bool:
    if ids is not None and entry.id not in ids and not (entry.jid and entry.jid in ids):
        return False
    record = {} if entry.job is None else entry.job.record
    return conditions.fits({**record, "queue": entry.queue}, entry.raw)


def _some(entries: Iterator[Quarantined]) -> Iterator[list[Quarantined]]:
    """As many as one request acts on, not all of a slice's megabytes at once."""
    some: list[Quarantined] = []
    for entry in entries:
        some.append(entry)
        if len(some) == PAGE:
            yield some
            some = []
    if some:
        yield some


def _check_job(payload: bytes) -> None:
    try:
        records.loads(payload)
    except Malformed as error:
        raise InvalidArguments(
            f"these bytes are no job: {error}. Repair them, and give the whole payload as repaired=…, or delete the"
            " entry"
        ) from error


def _anew(record: records.Record) -> bytes:
    """As if no worker had met it: whoever does not know it yet puts it back, for as long as any other."""
    record = {name: value for name, value in record.items() if name not in ("put_back", "crashes")}
    record["enqueued_at"] = clock.now_ms()
    return records.rewritten(record)
