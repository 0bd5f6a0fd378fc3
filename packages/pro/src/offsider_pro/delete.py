"""Deletes waiting jobs by their id or their class, in small steps, while workers take and others push.

The server finds what contains the text; which job that is, is decided here, from the decoded payload; the server
removes it if it is still there. A job whose arguments only look like another is never touched.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from offsider.contract.effects import DELETED, Call
from offsider.errors import InvalidOption, Malformed, shown
from offsider.job import record as records
from offsider.job.record import Record, check_name

from .keys import ProKeys
from .scripts import script_of

if TYPE_CHECKING:
    from offsider import App
    from offsider.store.composer import Composer
    from offsider.store.scripts import Script
    from offsider.store.wire import Argument, Wire

MOST_ENTRIES = 1000
MOST_BYTES = 4_000_000
COUNTED_S = 3600
READ_TIMEOUT_S = 15.0
_PLAIN = re.compile(r"[A-Za-z0-9_.:-]+")

Wanted = Callable[[Record], bool]


class Deletion:
    """Deletes jobs of an app that are waiting. One that runs is not waiting: it ends as it ends.

    Each call may be repeated: what is deleted is deleted once.

    Args:
        app: Whose.

    Raises:
        EditionError: The app was made without this edition.

    Example:
        >>> Deletion(app).by_jid("mail", jid)                       # doctest: +SKIP
        {'queue': 'mail', 'class': 'shop.welcome', ...}
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._keys = app.keys
        self._find, self._take = script_of(app, "delete_find"), script_of(app, "delete_take")

    def by_jid(self, queue: str, jid: str) -> Record | None:
        """Delete one job from a queue.

        Returns:
            Its record; None when no such job waits there (any more).

        Raises:
            InvalidName: The queue's name is none.
            StoreError: Redis is away or refuses; it may be repeated.
        """
        return next(self._from_queue(queue, jid, "jid"), None)

    def by_class(self, queue: str, name: str) -> int:
        """Delete all jobs of a class from a queue; those that are enqueued meanwhile may stay.

        Args:
            queue: Its name.
            name: The job's, as ``shop.welcome``.

        Returns:
            How many.

        Raises:
            InvalidName: The queue's name is none.
            StoreError: Redis is away or refuses; some may be deleted. It may be repeated.
        """
        return sum(1 for _record in self._from_queue(queue, name, "class"))

    def scheduled(self, jid: str) -> Record | None:
        """Delete one job that waits for its time; returns and raises as `by_jid`."""
        return next(self._from_set(self._keys.schedule, jid, "jid"), None)

    def scheduled_class(self, name: str) -> int:
        """Delete all jobs of a class that wait for their time; returns and raises as `by_class`."""
        return sum(1 for _record in self._from_set(self._keys.schedule, name, "class"))

    def retry(self, jid: str) -> Record | None:
        """Delete one job that waits for its next attempt; returns and raises as `by_jid`."""
        return next(self._from_set(self._keys.retry, jid, "jid"), None)

    def retry_class(self, name: str) -> int:
        """Delete all jobs of a class that wait for their next attempts; returns and raises as `by_class`."""
        return sum(1 for _record in self._from_set(self._keys.retry, name, "class"))

    def anywhere(self, jid: str) -> tuple[str, Record] | None:
        """Delete one job wherever it waits: schedule, retries, all queues.

        Returns:
            ``("schedule", record)``, ``("retry", record)`` or ``("queue:NAME", record)``; None when it waits nowhere.

        Raises:
            StoreError: Redis is away or refuses; it may be repeated.
        """
        for place, delete in (("schedule", self.scheduled), ("retry", self.retry)):
            record = delete(jid)
            if record is not None:
                return place, record
        for queue in self.queues():
            record = self.by_jid(queue, jid)
            if record is not None:
                return f"queue:{queue}", record
        return None

    def queues(self) -> list[str]:
        """The names of all queues that were ever enqueued into, sorted."""
        with self._wire() as wire:
            return sorted(name.decode() for name in wire.command("SMEMBERS", self._keys.queues))

    # -- queues --------------------------------------------------------------------------------------------

    def _from_queue(self, queue: str, value: str, field: str) -> Iterator[Record]:
        """What was deleted, one after the other."""
        check_name("queue", queue)
        text, wanted = _search(value, field)
        with self._wire() as wire:
            keys = [self._keys.queue(queue), ProKeys(self._keys).deletions(queue)]
            sweep = _Sweep(self._app, wire, keys, self._find, self._take)
            while not sweep.ended:
                yield from sweep.step(text, wanted)

    # -- sets ----------------------------------------------------------------------------------------------

    def _from_set(self, key: str, value: str, field: str) -> Iterator[Record]:
        text, wanted = _search(value, field)
        pattern = f"*{text}*" if text else "*"
        with self._wire() as wire:
            cursor: Any = b"0"
            while True:
                cursor, found = wire.command("ZSCAN", key, cursor, "MATCH", pattern, "COUNT", MOST_ENTRIES)
                members = dict(_confirmed(_members(found), wanted))
                removed = self._act(wire, key, members) if members else []
                yield from itertools.compress(members.values(), removed)
                if int(cursor) == 0:
                    return

    def _act(self, wire: Wire, key: str, members: dict[bytes, Record]) -> list[int]:
        """1 for each that was there and was removed, else 0."""
        keys, jobs, composer = self._keys, self._app.settings.jobs, self._app.composer
        words: list[Argument] = [len(keys.queue("")) + 1, jobs.dead_max, round(jobs.dead_days * 86_400)]
        for member in members:
            words += ("delete", member, 0, b"")
        names = [key, keys.dead, keys.queues, keys.schedule_bell]
        calls = _calls(composer, members.values())
        removed: list[int] = wire.run(*composer.request(self._app.scripts["act"], names, words, calls))
        return removed

    @contextmanager
    def _wire(self) -> Iterator[Wire]:
        wire = self._app.connections.wire("deletion", read_timeout_s=READ_TIMEOUT_S)
        try:
            yield wire
        finally:
            wire.close()


class _Sweep:
    """One pass over a queue, from the end that is pushed to.

    Pushes move what was not looked at yet away from here, never past it; only what others delete before it moves it
    back, and that is counted, so that as many are looked at again.
    """

    def __init__(self, app: App, wire: Wire, keys: list[str], find: Script, take: Script) -> None:
        self._composer = app.composer
        self._find, self._take = find, take
        self._wire = wire
        self._keys = keys
        self._index = 0
        self._deletions: int | None = None
        self.ended = False

    def step(self, text: str, wanted: Wanted) -> list[Record]:
        """Delete what is wanted of the next part; returns what was."""
        first = self._index
        arguments: list[Argument] = [text, first, MOST_ENTRIES, MOST_BYTES]
        following, at_end, deletions, *entries = self._wire.run(self._find, self._keys, arguments)
        found = dict(_confirmed(entries, wanted))
        times = self._remove(found, first, following - first) if found else []
        removed = [record for record, count in zip(found.values(), times, strict=True) for _ in range(count)]
        moved = self._moved(deletions)
        self._deletions = deletions + len(removed)
        complete = all(times)  # else some of it was taken, or is elsewhere by now: look again
        if moved or not complete:
            self._index = max(0, first - moved)
        else:
            self._index = following - len(removed)
        self.ended = bool(at_end) and complete and not moved
        return removed

    def _remove(self, found: dict[bytes, Record], first: int, count: int) -> list[int]:
        """How often each was there and was removed."""
        gone = f"deleted {os.urandom(16).hex()}"
        arguments: list[Argument] = [first, count, MOST_ENTRIES, MOST_BYTES, COUNTED_S, gone, *found]
        calls = _calls(self._composer, found.values())
        times: list[int] = self._wire.run(*self._composer.request(self._take, self._keys, arguments, calls))
        return times

    def _moved(self, deletions: int) -> int:
        """How many others have deleted since the last look."""
        if self._deletions is None:
            return 0
        return deletions - self._deletions if deletions >= self._deletions else int(deletions)


def _calls(composer: Composer, found: Iterable[Record]) -> list[tuple[str | int, Call]]:
    """What effects have to do when these are deleted."""
    if not composer.fields:
        return []
    return [(number, call) for number, one in enumerate(found) for call in composer.safe_calls(DELETED, one)]


def _search(value: str, field: str) -> tuple[str, Wanted]:
    """A text that every payload with this value contains, whatever its writer escapes, and the test that decides."""
    if not (value and isinstance(value, str)):
        raise InvalidOption(f"{field} is {shown(value)}: expected the {'id' if field == 'jid' else 'name'} of a job")
    text = max(_PLAIN.findall(value), key=len, default="")
    return text, lambda record: record.get(field) == value


def _confirmed(entries: list[bytes], wanted: Wanted) -> Iterator[tuple[bytes, Record]]:
    for entry in entries:
        try:
            record = records.loads(entry)
        except Malformed:
            continue  # no job, whatever it contains
        if wanted(record):
            yield entry, record


def _members(reply: list[Any]) -> list[bytes]:
    """The members: of one flat list by RESP2, of pairs by RESP3."""
    if reply and isinstance(reply[0], (list, tuple)):
        return [member for member, _score in reply]
    return reply[::2]
