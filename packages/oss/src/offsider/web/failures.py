"""The failures of an app in groups: a bounded part of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..api.entry import JobEntry
from .fingerprint import Group, grouped

MOST_OF_EACH = 2000
MOST_BYTES_OF_EACH = 4_000_000
A_TIME = 200


@dataclass(frozen=True, slots=True)
class Failures:
    """What was found.

    Attributes:
        groups: The largest first.
        looked_at: How many jobs that was.
        total: How many there were in both lists.
    """

    groups: list[Group]
    looked_at: int
    total: int


def failures(app: Any) -> Failures:
    """Look: of the retries at those that are due first, of the dead at the latest, 2,000 of each, or 4 MB.

    Raises:
        StoreError: Redis is away or refuses.
    """
    of_retries, of_dead = len(app.retries), len(app.dead)
    retries, dead = list(_first(app.retries, of_retries)), list(_first(app.dead, of_dead))
    return Failures(grouped(retries, dead), len(retries) + len(dead), of_retries + of_dead)


def _first(jobs: Any, total: int) -> Iterator[JobEntry]:
    """A page may be shorter than was asked for in the midst of a list: bytes that are no job are left out."""
    size = 0
    for skip in range(0, min(total, MOST_OF_EACH), A_TIME):
        page = jobs.jobs(count=A_TIME, skip=skip)
        yield from page
        size += sum(len(job.raw) for job in page)
        if size > MOST_BYTES_OF_EACH:
            return
