"""Holds the locks against the jobs: whose holder is nowhere? Reads in parts, and changes nothing but locks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from offsider.api.search import DEAD, QUARANTINE, Search

from .locks import Lock, UniqueLocks
from .option import EXPIRY
from .scripts import script_of

if TYPE_CHECKING:
    from offsider import App
    from offsider.store.wire import Wire

MOST_LOCKS = 100_000
MOST_ENTRIES = 1000
MOST_BYTES = 4_000_000
MOST_CONFIRMED = 100
SEARCH_LIMIT = 1_000_000


class Liveness:
    """One look at all locks and all jobs after the other.

    A job moves while we look. Forward, from the schedule over its queue to a worker, it moves as we do, so it is met.
    Backward it moves with a note in its lock, so a lock whose job has moved since we began is left alone. What cannot
    be ruled out so, a job that was handed back as it was, is by looking twice, and by a search of its own at the end.

    Args:
        app: Whose.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._locks = UniqueLocks(app)
        self._seen = script_of(app, "unique_seen")
        self._missed: dict[str, str] = {}

    def steps(self) -> Iterator[int]:
        """One look, a request a step, so that the caller may pause between two; gives how many locks were ended.

        The second look at a lock whose holder was not met ends it.
        """
        locks = self._candidates()
        yield 0
        left = dict(locks)
        if left:
            for digests in self._everywhere():
                for digest in digests:
                    left.pop(digest, None)
                yield 0
        before, self._missed = self._missed, {digest: lock.jid for digest, lock in left.items()}
        again = [lock for digest, lock in left.items() if before.get(digest) == lock.jid]
        for lock in again[:MOST_CONFIRMED]:
            yield int(self.is_gone(lock) and self._locks.drop(lock))

    def missing(self) -> Iterator[Lock]:
        """The locks whose holder is nowhere now, each looked for by itself."""
        locks = self._candidates()
        left = dict(locks)
        for digests in self._everywhere() if left else ():
            for digest in digests:
                left.pop(digest, None)
        for digest, lock in left.items():
            now = self._locks.get(digest)
            if now is not None and (now.jid, now.moved_s) == (lock.jid, lock.moved_s) and self.is_gone(lock):
                yield now

    @property
    def suspects(self) -> bool:
        """True when the last look has missed somebody: look again soon."""
        return bool(self._missed)

    def is_gone(self, lock: Lock) -> bool:
        """True when the job is in no place where it waits or runs."""
        with self._app.desk.wire() as wire:
            search = Search(wire, self._app.keys, lock.jid, limit=SEARCH_LIMIT)
            found = search.find()
            return search.complete and (found is None or found.place in (DEAD, QUARANTINE))

    # -- looking -------------------------------------------------------------------------------------------

    def _candidates(self) -> dict[str, Lock]:
        """The locks of jobs that must be somewhere: of ``until="expiry"`` the time is what counts."""
        found: dict[str, Lock] = {}
        for lock in self._locks:
            if not lock.inline and lock.until != EXPIRY:
                found[lock.digest] = lock
            if len(found) >= MOST_LOCKS:
                break
        return found

    def _everywhere(self) -> Iterator[list[str]]:
        """The digests in each part of each place, in the order in which a job goes through them."""
        keys = self._app.keys
        for key in (keys.schedule, keys.retry):
            yield from self._parts(key, "zset")
        for name in self._app.queues.names():
            yield from self._parts(keys.queue(name), "list")
        for owner in self._owners():
            yield from self._parts(keys.inflight(owner), "hash")

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
