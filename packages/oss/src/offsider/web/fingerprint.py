"""Errors that are the same but for what differs each time: numbers, ids, quoted words. Pure, no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..api.entry import JobEntry
from ..api.search import DEAD, RETRY

MOST_LETTERS = 300
_VARYING = re.compile(
    r"0x[0-9a-f]+|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b[0-9a-f]{12,}\b"
    r"|'[^']{0,200}'|\"[^\"]{0,200}\"|\d+(?:\.\d+)?",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Group:
    """Jobs that failed in the same way.

    Attributes:
        error: The class.
        message: Of one of them, the latest.
        pattern: The message with ``…`` for what varies.
        retries, dead: How many wait to be tried again, how many are dead.
        names: Of the jobs → how many.
        first_s, last_s: When the earliest and the latest of them failed last, epoch seconds.
        sample: The id of the latest.
        place, at_s: Where that one is, and its time there.
    """

    error: str
    message: str
    pattern: str
    retries: int = 0
    dead: int = 0
    names: dict[str, int] = field(default_factory=dict)
    first_s: float = 0.0
    last_s: float = 0.0
    sample: str = ""
    place: str = ""
    at_s: float | None = None

    @property
    def count(self) -> int:
        """All of them."""
        return self.retries + self.dead


def pattern(message: str) -> str:
    """A message without what varies.

    Example:
        >>> pattern("order 17 of 'ada' is gone after 2.5 s")
        'order … of … is gone after … s'
    """
    return _VARYING.sub("…", " ".join(message[:MOST_LETTERS].split()))


def grouped(retries: Iterable[JobEntry], dead: Iterable[JobEntry]) -> list[Group]:
    """All failures in groups, the largest first."""
    groups: dict[tuple[str, str], Group] = {}
    for is_dead, jobs in ((False, retries), (True, dead)):
        for job in jobs:
            if "error_class" in job.record:
                _count(groups, job, is_dead=is_dead)
    return sorted(groups.values(), key=lambda one: (-one.count, -one.last_s))


def _count(groups: dict[tuple[str, str], Group], job: JobEntry, *, is_dead: bool) -> None:
    error, message = str(job.record["error_class"]), job.error_message
    key = (error, pattern(message))
    one = groups.setdefault(key, Group(error, message, key[1]))
    one.dead += is_dead
    one.retries += not is_dead
    one.names[job.name] = one.names.get(job.name, 0) + 1
    at_s = failed_s(job)
    one.first_s = min(one.first_s or at_s, at_s)
    if at_s >= one.last_s:
        one.last_s, one.message, one.sample = at_s, message, job.jid
        one.place, one.at_s = DEAD if is_dead else RETRY, job.at_s


def failed_s(job: JobEntry) -> float:
    """When it failed last, epoch seconds; 0 when it does not say."""
    for name in ("retried_at", "failed_at"):
        value = job.record.get(name)
        if isinstance(value, (int, float)) and value > 0:
            return float(value) / 1000 if value > 1e11 else float(value)
    return 0.0
