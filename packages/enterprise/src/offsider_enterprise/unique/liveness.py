"""Holds the locks against the jobs: whose holder is nowhere? Reads in parts, and changes nothing but locks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from .locks import Lock, UniqueLocks
from .option import EXPIRY
from .scripts import script_of

if TYPE_CHECKING:
    from offsider import App
    from offsider.store.wire import Wire

MOST_LOCKS = 100_000
MOST_ENTRIES = 1000
MOST_BYTES = 4_000_000
AT_ONCE = 100
_READABLE = re.compile(r"[A-Za-z0-9_-]+")
"""What the look finds in a payload. A lock of another name, of a digest of one's own, ends by its time or by hand."""


class Liveness:
    """One look at all locks and all jobs after the other; of many locks at a part, the next time at the next one.

    A job moves while we look. Forward, from the schedule over its queue to a worker, it moves as we do, so it is met.
    Backward it moves with a note in its lock, so a lock whose job has moved since we began is left alone. What cannot
    be ruled out so, a job that was handed back as it was, is by looking twice, and once the other way round at the end:
    for all that were missed together, since a queue that was cleared may have had ten thousand of them.

    Args:
        app: Whose.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._locks = UniqueLocks(app)
        self._seen = script_of(app, "unique_seen")
        self._first = "0"  # where the part begins, as HSCAN has it
        self._missed: dict[str, str] = {}

    def steps(self) -> Iterator[int]:
        """One look, a request a step, so that the caller may pause between two; gives how many locks were ended.

        The second look at a lock whose holder was not met ends it.
        """
        left, following = self._part_of_locks(self._first)
        yield 0
        for _ in self._meeting(left):
            yield 0
        before, self._missed = self._missed, {digest: lock.jid for digest, lock in left.items()}
        gone = {digest: lock for digest, lock in left.items() if before.get(digest) == lock.jid}
        if following != self._first and (before or not self._missed):
            self._first, self._missed = following, {}
        for _ in self._meeting(gone, backward=True):
            yield 0
        ended = iter([*gone.values()])
        while some := [*islice(ended, AT_ONCE)]:
            yield sum(self._locks.drop(lock) for lock in some)

    def missing(self) -> Iterator[Lock]:
        """The locks whose holder is nowhere now: looked for in both directions, and not moved meanwhile."""
        following = "0"
        while True:
            left, following = self._part_of_locks(following)
            for backward in (False, True, True):  # three looks, as `steps` has in two rounds, but all of them now
                for _ in self._meeting(left, backward=backward):
                    pass
            for digest, lock in left.items():
                now = self._locks.get(digest)
                if now is not None and (now.jid, now.moved_s) == (lock.jid, lock.moved_s):
                    yield now
            if following == "0":
                return

    @property
    def suspects(self) -> bool:
        """True when the last look has missed somebody: look again soon."""
        return bool(self._missed)

    # -- looking -------------------------------------------------------------------------------------------

    def _part_of_locks(self, first: str) -> tuple[dict[str, Lock], str]:
        """The locks of jobs that must be somewhere, and where the next part begins; ``0`` when there is none."""
        found: dict[str, Lock] = {}
        following: str | None = first
        while following is not None and len(found) < MOST_LOCKS:
            page, following = self._locks.page(following)
            found.update((lock.digest, lock) for lock in page if _has_a_job(lock))
        return found, following or "0"

    def _meeting(self, left: dict[str, Lock], *, backward: bool = False) -> Iterator[None]:
        """Go through all jobs, a request a step, and leave those locks whose holders were not met."""
        for digests in self._everywhere(backward=backward) if left else ():
            for digest in digests:
                left.pop(digest, None)
            yield

    def _everywhere(self, *, backward: bool) -> Iterator[list[str]]:
        """The digests in each part of each place, in the order in which a job goes through them, or the other way."""
        keys = self._app.keys

        def waiting() -> Iterator[list[str]]:
            for key in (keys.schedule, keys.retry):
                yield from self._parts(key, "zset")

        def queued() -> Iterator[list[str]]:
            for name in self._app.queues.names():
                yield from self._parts(keys.queue(name), "list")

        def running() -> Iterator[list[str]]:
            for owner in self._owners():
                yield from self._parts(keys.inflight(owner), "hash")

        places = [waiting, queued, running]
        for place in reversed(places) if backward else places:
            yield from place()

    def _owners(self) -> list[str]:
        with self._app.desk.wire() as wire:
            found: list[bytes] = wire.command("ZRANGE", self._app.keys.owners, 0, -1)
        return [owner.decode("utf-8", "replace") for owner in found]

    def _parts(self, key: str, kind: str) -> Iterator[list[str]]:
        cursor: Any = "0"
        while True:
            with self._app.desk.wire() as wire:
                cursor, digests = self._part(wire, key, kind, cursor)
            yield digests
            if cursor == "0":
                return

    def _part(self, wire: Wire, key: str, kind: str, cursor: str) -> tuple[str, list[str]]:
        reply = wire.run(self._seen, [key], [kind, cursor, MOST_ENTRIES, MOST_BYTES])
        following, *digests = (one.decode() for one in reply)
        return following, digests


def _has_a_job(lock: Lock) -> bool:
    """True when its job must wait or run: of ``until="expiry"`` the time is what counts."""
    return not lock.inline and lock.until != EXPIRY and _READABLE.fullmatch(lock.digest) is not None
