"""How an entry stands: what it says, when it is due, and what became of its last run. A value."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from .entry import RUN_TIME, Entry
from .run import Run
from .table import Kept
from .wall import utc

LATE_S = 60.0
UNREADABLE = "?"


@dataclass(frozen=True, slots=True)
class CronEntry:
    """One entry, as of one moment.

    Attributes:
        name: Its name.
        entry: What it says; of one that this version cannot read, a placeholder for the job ``?``.
        rev: Changes with each change of it.
        source: ``code``, ``settings`` or ``run time``.
        next_s: When it is due, epoch seconds; None while it is paused.
        last: Its last run; None before the first.
        paused_by, paused_reason, paused_s: Of a pause: by whom, why and since when; None, empty and None without one.
        declared_s: When a process last said that its code or settings have it, by the server's clock; None when never.
        now_s: The moment, by the server's clock.
        readable: False for one that a later version has written.
    """

    name: str
    entry: Entry
    rev: str
    source: str
    next_s: float | None
    last: Run | None
    paused_by: str | None
    paused_reason: str
    paused_s: float | None
    declared_s: float | None
    now_s: float
    readable: bool = True

    @property
    def paused(self) -> bool:
        """True while it is paused."""
        return self.paused_by is not None

    @property
    def next(self) -> datetime | None:
        """When it is due, in UTC; None while it is paused."""
        return None if self.next_s is None else utc(self.next_s)

    @property
    def overdue_s(self) -> float:
        """For how long it has been due and nobody has enqueued it, beyond a minute: no worker that knows it lives."""
        late_s = 0.0 if self.next_s is None else self.now_s - self.next_s
        return late_s if late_s > LATE_S else 0.0

    @property
    def forgotten(self) -> bool:
        """True when it was declared, and no process has said so for a quarter of an hour."""
        return self.source != RUN_TIME and (self.declared_s is None or self.now_s - self.declared_s > 900)

    def coming(self, count: int = 5) -> list[datetime]:
        """The next instants, in UTC; what it would be while it is paused."""
        if not self.readable:
            return []
        begin_s = self.now_s if self.next_s is None else self.next_s - 1
        return [utc(one) for one in islice(self.entry.schedule.coming(begin_s), count)]

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            **self.entry.to_dict(), "source": self.source,
            "next": None if self.next is None else self.next.isoformat(),
            "coming": [one.isoformat() for one in self.coming()],
            "last": None if self.last is None else self.last.to_dict(),
            "paused": self.paused, "paused_by": self.paused_by, "paused_reason": self.paused_reason,
            "paused_s": self.paused_s, "overdue_s": round(self.overdue_s, 3), "forgotten": self.forgotten,
            "readable": self.readable,
        }  # fmt: skip


def state_of(kept: Kept) -> CronEntry:
    """The state of an entry as it lies in Redis."""
    by, reason, since_s = _note(kept.note)
    return CronEntry(
        kept.name,
        kept.entry or Entry(kept.name, UNREADABLE, "0 0 1 1 *", source=kept.source),
        kept.rev,
        kept.source,
        kept.due_s,
        kept.last,
        by,
        reason,
        since_s,
        kept.declared_s,
        kept.now_s,
        kept.entry is not None,
    )


def _note(raw: bytes | None) -> tuple[str | None, str, float | None]:
    if raw is None:
        return None, "", None
    try:
        note = json.loads(raw)
        return str(note["by"]), str(note["reason"]), float(note["at"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return "", "", None
