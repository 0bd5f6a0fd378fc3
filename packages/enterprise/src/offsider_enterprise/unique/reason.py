"""What ``offsider why`` says of a unique job beside its place."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from offsider.job.record import Record

from .effect import FIELD
from .keys import UniqueKeys
from .locks import Lock, UniqueLocks

if TYPE_CHECKING:
    from offsider import App


def reason(app: App, record: Record, _place: str) -> str | None:
    """One sentence about the lock of a job; None for one that has none."""
    digest = record.get(FIELD)
    if not isinstance(digest, str):
        return None
    keys, jid = UniqueKeys(app.keys), record["jid"]
    with app.desk.wire() as wire:
        if wire.command("ZSCORE", keys.replaced, jid) is not None:
            return "another job has taken its place: it ends without being run when it is its turn"
    lock = UniqueLocks(app).get(digest)
    if lock is None:
        return f"it is unique, and its lock {digest} is free: it has ended, by its time or by hand"
    if lock.jid != jid:
        return f"it is unique, and does not hold its lock {digest} any more: the job {lock.jid} does"
    return f"it holds the unique lock {digest} {until(lock)}: others that are the same are not enqueued"


def until(lock: Lock) -> str:
    """How long a lock lasts, in words."""
    ends = {"start": "until it begins", "success": "until it has ended", "expiry": ""}.get(lock.until, "")
    if lock.deadline_s is None:
        return ends or "without a deadline"
    deadline = f"until {datetime.fromtimestamp(lock.deadline_s, UTC):%Y-%m-%d %H:%M:%S} UTC"
    return f"{ends}, and {deadline} at the latest" if ends else deadline
