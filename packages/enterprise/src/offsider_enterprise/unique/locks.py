"""The locks of an app, to look at and to end by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from offsider.api.search import checked_jid, pairs
from offsider.errors import InvalidOption, shown

from .keys import UniqueKeys
from .scripts import script_of
from .stamp import stamp_of

if TYPE_CHECKING:
    from offsider import App
    from offsider.job.define import BoundJob, Job
    from offsider.store.wire import Argument, Wire

PAGE = 500
NEVER_MS = 9_007_199_254_740_991


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock.

    Attributes:
        digest: Its name: of the job and its arguments.
        jid: The job that holds it.
        name, queue: Of that job.
        until, policy: As in `Unique`.
        since_s: When the job was enqueued, epoch seconds by that machine's clock.
        moved_s: When the job has moved last, in the server's time.
        deadline_s: When the lock ends by itself, in the server's time; None: with its job.
        inline: True when the job runs where it was called.
    """

    digest: str
    jid: str
    name: str
    queue: str
    until: str
    policy: str
    since_s: float
    moved_s: float
    deadline_s: float | None
    inline: bool = False

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return asdict(self)


class UniqueLocks:
    """What is locked, and by whom. May be used by several threads.

    Args:
        app: Whose.

    Raises:
        EditionError: The app was made without this edition.

    Example:
        >>> locks = UniqueLocks(app)                                # doctest: +SKIP
        >>> lock = locks.holder(sync, 7)                            # doctest: +SKIP
        >>> lock.jid, locks.unlock(lock.digest)                     # doctest: +SKIP
        ('b4a577edbccf1d805744efa9', 'b4a577edbccf1d805744efa9')
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._keys = UniqueKeys(app.keys)
        self._unlock = script_of(app, "unique_unlock")

    def __len__(self) -> int:
        """How many locks there are."""
        with self._app.desk.wire() as wire:
            return int(wire.command("HLEN", self._keys.locks))

    def __bool__(self) -> bool:
        """Always True."""
        return True

    def __iter__(self) -> Iterator[Lock]:
        """All of them, page by page, in no order."""
        cursor = "0"
        while True:
            page, following = self.page(cursor)
            yield from page
            if following is None:
                return
            cursor = following

    def page(self, cursor: str = "0", count: int = PAGE) -> tuple[list[Lock], str | None]:
        """A part of them, and where the next one begins; None at the end.

        Raises:
            InvalidOption: ``cursor`` is none.
            StoreError: Redis is away or refuses.
        """
        if not (cursor.isascii() and cursor.isdigit()):
            raise InvalidOption(f"cursor is {shown(cursor)}: expected what the last page has returned")
        with self._app.desk.wire() as wire:
            following, found = wire.command("HSCAN", self._keys.locks, cursor, "COUNT", count)
            locks = self._read(wire, {digest.decode(): value for digest, value in pairs(found)})
        text = following.decode() if isinstance(following, bytes) else str(following)
        return locks, None if text == "0" else text

    def get(self, digest: str) -> Lock | None:
        """The lock of this name; None when nobody holds it.

        Raises:
            StoreError: Redis is away or refuses.
        """
        with self._app.desk.wire() as wire:
            value = wire.command("HGET", self._keys.locks, digest)
            locks = [] if value is None else self._read(wire, {digest: value})
        return locks[0] if locks else None

    def holder(self, job: Job[..., Any] | BoundJob[..., Any], *args: Any, **kwargs: Any) -> Lock | None:
        """The lock that enqueuing this call would meet; None when it is free.

        Args:
            job: The job, or what its ``using(…)`` returns.
            args, kwargs: Of the call.

        Raises:
            InvalidOption: The job is not unique.
            InvalidArguments: The call does not fit the job's signature.
            StoreError: Redis is away or refuses.
        """
        digest = stamp_of(self._app).name_of(job.request(*args, **kwargs))
        if digest is None:
            raise InvalidOption(f"job {job.job_name!r} is not unique: define it with @app.job(unique=…)")
        return self.get(digest)

    def of(self, jid: str) -> Lock | None:
        """The lock that a job holds; looks at all locks, page by page.

        Raises:
            InvalidOption: ``jid`` is no id.
            StoreError: Redis is away or refuses.
        """
        checked_jid(jid)
        return next((lock for lock in self if lock.jid == jid), None)

    def unlock(self, digest: str, *, jid: str = "") -> str | None:
        """End a lock; its job stays where it is, and the next one that is the same may be enqueued beside it.

        Args:
            digest: The lock's name.
            jid: Only if this job holds it.

        Returns:
            The id of who held it; None when nobody did, or not that job any more.

        Raises:
            StoreError: Redis is away or refuses; it may be repeated.
        """
        return self._end(digest, jid, "")

    def drop(self, lock: Lock) -> bool:
        """End the lock of a job that was not found, unless the job has moved since the lock was read."""
        return self._end(lock.digest, lock.jid, round(lock.moved_s * 1000)) is not None

    def _end(self, digest: str, jid: str, moved_ms: Argument) -> str | None:
        keys = [self._keys.locks, self._keys.deadlines, self._keys.waiting]
        with self._app.desk.wire() as wire:
            holder: bytes = wire.run(self._unlock, keys, [digest, jid, moved_ms])
        return holder.decode("utf-8", "replace") or None

    def _read(self, wire: Wire, values: dict[str, bytes]) -> list[Lock]:
        """Locks out of what lies in Redis; those whose time is over are none."""
        if not values:
            return []
        seconds, microseconds = wire.command("TIME")
        now_ms = int(seconds) * 1000 + int(microseconds) // 1000
        deadlines = wire.command("ZMSCORE", self._keys.deadlines, *values)
        pairs_ = zip(values.items(), deadlines, strict=True)
        found = [_lock(digest, value, deadline) for (digest, value), deadline in pairs_]
        return [one for one in found if one is not None and (one.deadline_s is None or one.deadline_s * 1000 > now_ms)]


def _lock(digest: str, value: bytes, deadline: Any) -> Lock | None:
    """One lock; None for what is none, or has no deadline."""
    jid, _, rest = value.decode("utf-8", "replace").partition("\n")
    parts = rest.split("\n", 2)
    if len(parts) != 3 or deadline is None or not parts[0].isdigit():
        return None
    try:
        note = json.loads(parts[2])
    except ValueError:
        note = {}
    note = note if isinstance(note, dict) else {}
    text = {name: str(note.get(name, "")) for name in ("class", "queue", "until", "policy")}
    at_ms, deadline_ms = note.get("at"), float(deadline)
    return Lock(
        digest,
        jid,
        text["class"],
        text["queue"],
        text["until"],
        text["policy"],
        at_ms / 1000 if type(at_ms) is int else 0.0,
        int(parts[0]) / 1000,
        None if deadline_ms >= NEVER_MS else deadline_ms / 1000,
        parts[1] == "i",
    )
