"""What must hold of the locks: each has a deadline, and a holder that is there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from offsider.api.desk import told
from offsider.api.search import pairs
from offsider.contract.findings import Breach, Invariant, KeyKind
from offsider.store.keys import Keys

from .keys import UniqueKeys
from .liveness import Liveness
from .locks import Lock, UniqueLocks

if TYPE_CHECKING:
    from offsider import App

PAGE = 500
HOUR_S = 3600


class UniqueInvariant(Invariant):
    """The keys of unique jobs, and their rules."""

    def kinds(self, keys: Keys) -> Iterable[KeyKind]:
        """Each with its type."""
        own = UniqueKeys(keys)
        return [
            KeyKind("unique locks", re.escape(own.locks), "hash"),
            KeyKind("unique deadlines", re.escape(own.deadlines), "zset"),
            KeyKind("unique waiting", re.escape(own.waiting), "hash"),
            KeyKind("unique replaced", re.escape(own.replaced), "zset"),
            KeyKind("unique turn", re.escape(own.turn), "string", 2 * HOUR_S),
        ]

    def breaches(self, app: App) -> Iterator[Breach]:
        """Locks without a deadline, deadlines without a lock, and locks of jobs that are nowhere."""
        yield from self._torn(app)
        yield from self._left_behind(app)

    def _torn(self, app: App) -> Iterator[Breach]:
        keys, locks = UniqueKeys(app.keys), UniqueLocks(app)
        for digest in self._names(app, "HSCAN", keys.locks):
            if self._is_torn(app, keys, digest, lock=True):
                advice = "it holds nobody up, and is never given back; mended, it is deleted"
                yield Breach("unique", f"the unique lock {digest} has no deadline", advice, mend=_end(locks, digest))
        for digest in self._names(app, "ZSCAN", keys.deadlines):
            if self._is_torn(app, keys, digest, lock=False):
                advice = "it belongs to no lock; mended, it is deleted"
                yield Breach("unique", f"the deadline of {digest} is left over", advice, mend=_end(locks, digest))

    def _is_torn(self, app: App, keys: UniqueKeys, digest: str, *, lock: bool) -> bool:
        """Looked at once more, the other way round: both are written and deleted in one change."""
        with app.desk.wire() as wire:

            def there(key: str, command: str) -> bool:
                return told(wire, None, command, key, digest) is not None

            mine = (keys.locks, "HGET") if lock else (keys.deadlines, "ZSCORE")
            its = (keys.deadlines, "ZSCORE") if lock else (keys.locks, "HGET")
            return not there(*its) and there(*mine) and not there(*its)

    def _left_behind(self, app: App) -> Iterator[Breach]:
        locks = UniqueLocks(app)
        for lock in Liveness(app).missing():
            yield Breach(
                "unique",
                f"the unique lock {lock.digest} is held by job {lock.jid} ({lock.name}), which is nowhere",
                "workers end it within a minute; mended, it is ended now",
                mend=_drop(locks, lock),
            )

    def _names(self, app: App, command: str, key: str) -> Iterator[str]:
        cursor: Any = b"0"
        while True:
            with app.desk.wire() as wire:
                cursor, page = told(wire, (b"0", []), command, key, cursor, "COUNT", PAGE)
            yield from (name.decode("utf-8", "replace") for name, _value in pairs(page))
            if int(cursor) == 0:
                return


def _end(locks: UniqueLocks, digest: str) -> Any:
    return lambda: locks.unlock(digest) is not None or True


def _drop(locks: UniqueLocks, lock: Lock) -> Any:
    return lambda: locks.drop(lock)
