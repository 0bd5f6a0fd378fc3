"""The failures of an app in groups: looked at anew when that is some seconds ago, not with every page that asks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from .. import clock
from ..api.entry import JobEntry
from .fingerprint import Group, grouped

KEPT_S = 15.0
MOST_OF_EACH = 2000
MOST_BYTES_OF_EACH = 4_000_000
A_TIME = 200


@dataclass(frozen=True, slots=True)
class Look:
    """What was found.

    Attributes:
        groups: The largest first.
        looked_at: How many jobs that was.
        total: How many there were in both lists.
        at_s: When, by a clock that only goes forward.
    """

    groups: list[Group]
    looked_at: int
    total: int
    at_s: float


class Failures:
    """The last look at each app.

    * of the retries those that are due first are looked at, of the dead the latest: 2,000 of each, or 4 MB;
    * one look at a time: who asks meanwhile gets the one before, and waits only when there is none.
    """

    def __init__(self) -> None:
        self._looks: WeakKeyDictionary[Any, Look] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def of(self, app: Any) -> Look:
        """The groups, at most some seconds old.

        Raises:
            StoreError: Redis is away or refuses.
        """
        last = self._looks.get(app)
        if last is not None and (_is_fresh(last) or self._lock.locked()):
            return last
        with self._lock:
            last = self._looks.get(app)
            if last is None or not _is_fresh(last):
                last = self._looks[app] = _look(app)
        return last

    def forget(self) -> None:
        """Look anew at the next question: something was changed by hand."""
        self._looks.clear()


def _is_fresh(look: Look) -> bool:
    return clock.monotonic_s() - look.at_s < KEPT_S


def _look(app: Any) -> Look:
    retries, dead = list(_first(app.retries)), list(_first(app.dead))
    total = len(app.retries) + len(app.dead)
    return Look(grouped(retries, dead), len(retries) + len(dead), total, clock.monotonic_s())


def _first(jobs: Any) -> Iterator[JobEntry]:
    size = 0
    for skip in range(0, MOST_OF_EACH, A_TIME):
        page = jobs.jobs(count=A_TIME, skip=skip)
        yield from page
        size += sum(len(job.raw) for job in page)
        if len(page) < A_TIME or size > MOST_BYTES_OF_EACH:
            return
