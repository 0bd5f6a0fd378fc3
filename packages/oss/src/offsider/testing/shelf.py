"""Where the jobs of a test lie: what waits, retries, the dead. Knows how each end moves a job; runs nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from .. import clock
from ..job.record import loads, rewritten
from ..worker.recovery import MOST_RERUNS
from .fakejob import FakeJob
from .runner import Ran

if TYPE_CHECKING:
    from ..app import App


class Shelf:
    """The jobs of one app in memory, for any number of threads.

    Example:
        >>> from offsider import App
        >>> Shelf(App(editions=[])).waiting()
        []
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._waiting: list[FakeJob] = []
        self.retries: list[FakeJob] = []
        self.dead: list[FakeJob] = []
        self.quarantine: list[bytes] = []

    def put(self, job: FakeJob) -> None:
        """Add one to what waits."""
        self._put(job, self._waiting)

    def waiting(self) -> list[FakeJob]:
        """What waits, the one that is run next first."""
        with self._lock:
            return sorted(self._waiting, key=_due_s)

    def take(self, wanted: Callable[[FakeJob], bool], *, retries: bool = False) -> FakeJob | None:
        """Take the next one out that is wanted; one of the retries when nothing else waits and they are asked for."""
        with self._lock:
            found = [one for one in sorted(self._waiting, key=_due_s) if wanted(one)]
            if found:
                self._waiting.remove(found[0])
                return found[0]
            again = [one for one in self.retries if wanted(one)] if retries else []
            if again:
                self.retries.remove(again[0])
                return again[0]
            return None

    def settle(self, job: FakeJob, ran: Ran) -> FakeJob | None:
        """Put a job that was taken where its end sends it; the job as it is there, None when it has ended."""
        if ran.kind == "lost":
            return self._recovered(job)
        if ran.kind == "quarantine":
            with self._lock:
                self.quarantine.append(ran.payload)
            return None
        place = {"retry": self.retries, "dead": self.dead, "done": None}.get(ran.kind, self._waiting)
        if place is None:
            return None
        at_s = None if ran.kind == "dead" else clock.now_s() + ran.delay_s
        return self._put(FakeJob(ran.payload, at_s, job.job), place)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            for jobs in (self._waiting, self.retries, self.dead, self.quarantine):
                jobs.clear()

    def _put(self, job: FakeJob, place: list[FakeJob]) -> FakeJob:
        with self._lock:
            place.append(job)
        return job

    def _recovered(self, job: FakeJob) -> FakeJob:
        """What other processes do with the jobs of one that is gone: they run again, up to three times."""
        record = loads(job.payload)
        record["crashes"] = int(record.get("crashes", 0)) + 1
        place = self.dead if record["crashes"] > MOST_RERUNS else self._waiting
        return self._put(FakeJob(rewritten(record), None, job.job), place)


def _due_s(job: FakeJob) -> float:
    return 0.0 if job.at_s is None else job.at_s
