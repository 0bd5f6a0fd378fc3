"""A sorted set of jobs, looked at and acted on: what schedule, retries and the dead have in common.

Every act is a move inside one script: nothing is taken out first and put somewhere later.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .. import clock
from ..contract.effects import DEAD as DEAD_MOVE
from ..contract.effects import DELETED, LATER, QUEUED, Call
from ..errors import JobKilled
from ..job import record as records
from ..job.define import epoch_s
from ..store.wire import Argument
from .entry import JobEntry, read
from .page import LIMIT, PAGE, SLICE, Page, check_page, checked_cursor
from .search import checked_jid, pairs
from .where import EVERY, Where

if TYPE_CHECKING:
    from ..store.wire import Wire
    from .manage import Management

Act = tuple[str, float, Callable[[JobEntry], bytes]]  # kind, when, and what gets there


class SetOfJobs:
    """One of the three sets.

    * a page costs its length; `find`, `search` and what is done by id look at the entries of the set one slice after
      the other, so that no request holds up Redis;
    * bytes that are no job are not listed and not moved: a worker puts them into quarantine when they are due.

    May be used by several threads.
    """

    place = ""
    newest_first = False

    def __init__(self, app: Management, key: str) -> None:
        self._app = app
        self._key = key

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._key}>"

    # -- looking -------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """How many there are.

        Raises:
            StoreError: Redis is away or refuses.
        """
        with self._app.desk.wire() as wire:
            return int(wire.command("ZCARD", self._key))

    def __bool__(self) -> bool:
        """Always True: an empty set is a set."""
        return True

    def __iter__(self) -> Iterator[JobEntry]:
        """All of them, slice by slice, in no order; each that is there all the time is met."""
        for found, _looked_at in self._slices(EVERY):
            yield from found

    def jobs(self, *, count: int = PAGE, skip: int = 0, newest: bool | None = None) -> list[JobEntry]:
        """A page of them, by their time.

        Args:
            count: How many at most, 1 to 1000.
            skip: How many to leave out before.
            newest: True for the latest time first; None for what is usual: the dead newest first, the others by
                what is due first.

        Raises:
            InvalidOption: ``count`` or ``skip`` is no such number.
            StoreError: Redis is away or refuses.
        """
        check_page(count, skip)
        words: list[Argument] = ["ZRANGE", self._key, skip, skip + count - 1]
        if self.newest_first if newest is None else newest:
            words.append("REV")
        with self._app.desk.wire() as wire:
            reply = wire.command(*words, "WITHSCORES")
        return _entries(pairs(reply))

    def find(self, jid: str) -> JobEntry | None:
        """The job with this id; None when it is not here.

        It looks at the whole set, in slices.

        Raises:
            InvalidOption: ``jid`` is no id.
            StoreError: Redis is away or refuses.
        """
        where = Where(jids=[checked_jid(jid)])
        return next((one for found, _looked_at in self._slices(where) for one in found), None)

    def search(
        self,
        text: str | None = None,
        *,
        name: str | None = None,
        queue: str | None = None,
        error: str | None = None,
        tag: str | None = None,
        limit: int = PAGE,
        cursor: str | None = None,
        within_s: float | None = None,
    ) -> Page:
        """Jobs that fit, a part of them at a time. The server looks at 10,000 entries a call at most.

        Args:
            text: Somewhere in the payload; see `Where` for this and the others: all that is given must hold.
            name, queue, error, tag: Of the job.
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
        where = Where(text=text, name=name, queue=queue, error=error, tag=tag)
        jobs: list[JobEntry] = []
        looked_at, following = 0, checked_cursor(cursor)
        until_s = clock.monotonic_s() + (math.inf if within_s is None else within_s)
        with self._app.desk.wire() as wire:
            while True:
                found, following = self._slice(wire, where, following)
                jobs += found
                looked_at += SLICE
                late = clock.monotonic_s() > until_s
                if following == b"0" or len(jobs) >= limit or looked_at >= LIMIT or late:
                    break
        jobs.sort(key=_in_order, reverse=self.newest_first)
        return Page(tuple(jobs), None if following == b"0" else following.decode(), looked_at)

    # -- acting --------------------------------------------------------------------------------------------

    def delete(self, jid: str) -> bool:
        """Delete a job.

        Returns:
            True when it was there; False when there is no such job (any more).

        Raises:
            StoreError: Redis is away or refuses; it may be repeated.
        """
        return self._act_on(jid, _DELETE)

    def delete_all(self, where: Where = EVERY) -> int:
        """Delete all of them, or those that fit; returns how many.

        Without a condition it is one step, however many there are, unless somebody listens to the event ``deleted``, or
        an edition has effects: then the jobs are looked at.

        Raises:
            StoreError: Redis is away or refuses; what was done is done, and it may be repeated.
        """
        if where.is_all and not self._app.events.heard("deleted") and not self._app.composer.fields:
            with self._app.desk.wire() as wire:
                return int(wire.run(self._app.scripts["clear"], [self._key], [""]))
        return self._act_on_all(where, _DELETE)

    def run_now(self, jid: str) -> bool:
        """Put a job into its queue now; a worker is woken. Of one that has failed this uses none of its retries.

        Returns:
            True when it was here and is in its queue; False when there is no such job (any more).

        Raises:
            StoreError: Redis is away or refuses; it may be repeated.
        """
        return self._act_on(jid, _RUN_NOW)

    def run_all_now(self, where: Where = EVERY) -> int:
        """Put all of them, or those that fit, into their queues; returns how many.

        They keep the order of their times within each slice of about 500, not over all.

        Raises:
            StoreError: Redis is away or refuses; what was done is done, and it may be repeated.
        """
        return self._act_on_all(where, _RUN_NOW)

    # -- steps ---------------------------------------------------------------------------------------------

    def _act_on(self, jid: str, act: Act) -> bool:
        """Once more when it was changed or moved between the look and the act."""
        for _ in range(2):
            entry = self.find(jid)
            if entry is None:
                return False
            with self._app.desk.wire() as wire:
                if self._do(wire, [entry], act):
                    return True
        return False

    def _act_on_all(self, where: Where, act: Act) -> int:
        return sum(self._do_apart(found, act) for found, _looked_at in self._slices(where) if found)

    def _do_apart(self, entries: list[JobEntry], act: Act) -> int:
        with self._app.desk.wire() as wire:
            return sum(self._do(wire, entries[k : k + SLICE], act) for k in range(0, len(entries), SLICE))

    def _do(self, wire: Wire, entries: Sequence[JobEntry], act: Act) -> int:
        """One slice, in one change; then whoever listens is told. Returns how many it was done to."""
        kind, at_s, payload = act
        keys, jobs = self._app.keys, self._app.settings.jobs
        queues: dict[str, int] = {}
        words: list[Argument] = [len(keys.queue("")) + 1, jobs.dead_max, round(jobs.dead_days * 86_400)]
        for entry in entries:
            place: Argument = f"{at_s:.6f}"
            if kind == "queue":
                place = queues.setdefault(entry.queue, 5 + 2 * len(queues))
            words += (kind, entry.raw, place, payload(entry))
        names = [self._key, keys.dead, keys.queues, keys.schedule_bell]
        names += [key for queue in queues for key in (keys.queue(queue), keys.bell(queue))]
        calls = self._calls(entries, kind, at_s)
        done = wire.run(*self._app.composer.request(self._app.scripts["act"], names, words, calls))
        moved = [entry for entry, count in zip(entries, done, strict=True) if count]
        self._tell(kind, moved)
        return len(moved)

    def _calls(self, entries: Sequence[JobEntry], kind: str, at_s: float) -> list[tuple[str | int, Call]]:
        """What effects have to do when these are moved."""
        composer = self._app.composer
        if not composer.fields:
            return []
        moves = ((k, composer.safe_calls(MOVES[kind], one.record, at_s=at_s or None)) for k, one in enumerate(entries))
        return [(k, call) for k, calls in moves for call in calls]

    def _tell(self, kind: str, moved: Sequence[JobEntry]) -> None:
        for entry in moved:
            if kind == "delete":
                self._app.events.emit("deleted", entry.record)
            elif kind == "dead":
                error = JobKilled(f"job {entry.name!r} ({entry.jid}) was put among the dead by hand")
                self._app.events.emit("death", entry.record, error)

    def _slices(self, where: Where) -> Iterator[tuple[list[JobEntry], int]]:
        """What fits, slice by slice; each entry that is there all the time is met, one that moves perhaps twice."""
        cursor = b"0"
        while True:
            with self._app.desk.wire() as wire:
                found, cursor = self._slice(wire, where, cursor)
            yield found, SLICE
            if cursor == b"0":
                return

    def _slice(self, wire: Wire, where: Where, cursor: bytes) -> tuple[list[JobEntry], bytes]:
        following, page = wire.command("ZSCAN", self._key, cursor, "MATCH", where.pattern, "COUNT", SLICE)
        found = [one for one in _entries(pairs(page)) if where.fits(one.record, one.raw)]
        found.sort(key=_in_order)
        return found, following if isinstance(following, bytes) else str(following).encode()


class WaitingSet(SetOfJobs):
    """A set in which jobs wait for their time: the schedule, or the retries."""

    def kill(self, jid: str) -> bool:
        """Put a job among the dead as it is, byte for byte; whoever listens to ``death`` is told (`JobKilled`).

        Returns:
            True when it was here; False when there is no such job (any more).

        Raises:
            StoreError: Redis is away or refuses; it may be repeated.
        """
        return self._act_on(jid, _KILL)

    def kill_all(self, where: Where = EVERY) -> int:
        """Put all of them, or those that fit, among the dead; returns how many. Of the dead the newest are kept.

        Raises:
            StoreError: Redis is away or refuses; what was done is done, and it may be repeated.
        """
        return self._act_on_all(where, _KILL)

    def reschedule(self, jid: str, at: float | datetime) -> bool:
        """Give a job another time; it stays as it is, byte for byte.

        Args:
            jid: Its id.
            at: When: an aware `datetime`, or epoch seconds. The past means now.

        Returns:
            True when it was here; False when there is no such job (any more).

        Raises:
            InvalidOption: ``at`` is no such time.
            StoreError: Redis is away or refuses; it may be repeated.
        """
        return self._act_on(jid, _at(at))

    def reschedule_all(self, at: float | datetime, where: Where = EVERY) -> int:
        """Give all of them, or those that fit, another time; returns how many.

        Raises:
            InvalidOption: ``at`` is no such time.
            StoreError: Redis is away or refuses; what was done is done, and it may be repeated.
        """
        return self._act_on_all(where, _at(at))


def _in_order(entry: JobEntry) -> tuple[float, bytes]:
    """The order of the set itself."""
    return entry.at_s or 0.0, entry.raw


def _as_it_is(entry: JobEntry) -> bytes:
    return entry.raw


def _nothing(_entry: JobEntry) -> bytes:
    return b""


def _to_be_run(entry: JobEntry) -> bytes:
    """The payload for its queue; one that has failed gets this attempt on top of its retries."""
    record = dict(entry.record)
    if "retry_count" in record:
        record["retry_count"] = max(int(record["retry_count"]) - 1, -1)
    record["enqueued_at"] = clock.now_ms()
    record.pop("crashes", None)
    return records.rewritten(record)


def _at(at: Any) -> Act:
    return "at", max(epoch_s(at), 0.0), _nothing


MOVES = {"delete": DELETED, "queue": QUEUED, "dead": DEAD_MOVE, "at": LATER}

_DELETE: Act = ("delete", 0.0, _nothing)
_RUN_NOW: Act = ("queue", 0.0, _to_be_run)
_KILL: Act = ("dead", 0.0, _as_it_is)


def _entries(scored: Sequence[tuple[bytes, Any]]) -> list[JobEntry]:
    return [made for member, score in scored if (made := read(member, at_s=float(score))) is not None]
