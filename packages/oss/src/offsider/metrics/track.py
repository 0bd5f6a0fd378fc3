"""Measures attempts in memory, by minute, job and queue. Never talks to Redis."""

from __future__ import annotations

import threading
from asyncio import CancelledError
from typing import Any

from .. import clock
from ..clock import monotonic_s
from ..contract.measures import OTHER, Tally, Window
from ..contract.middleware import NextAsync, NextSync, ServerMiddleware
from ..contract.work import Hold
from ..errors import LostJob, Shutdown
from .histogram import buckets_of

MOST_NAMES = 1000
FOLD_S = 0.25  # as long as single times are kept: a worker ends 100,000 jobs a second, if they do nothing
_STAMPS_ARE_SECONDS_S = 1e9  # Sidekiq wrote `enqueued_at` in seconds up to version 7


class _Cell:
    """Attempts of one job out of one queue that are not in a window yet.

    Each time is an append to a list, which is atomic in every CPython: threads lose none of each other's.
    """

    __slots__ = ("failed", "job", "queue", "took", "took_s", "waited", "waited_s")

    def __init__(self, job: str, queue: str) -> None:
        self.job = job
        self.queue = queue
        self.failed: list[bool] = []
        self.took_s: list[float] = []
        self.waited_s: list[float] = []
        self.took = self.took_s.append
        self.waited = self.waited_s.append

    def tally(self, offset_s: float) -> Tally | None:
        """What was added since the last call; None when that is nothing."""
        took_s, waited_s, failed = _drained(self.took_s), _drained(self.waited_s), len(_drained(self.failed))
        if not (took_s or failed or waited_s):
            return None
        tally = Tally(processed=len(took_s) + failed, failed=failed)
        if took_s:
            tally.took_ms = sum(took_s) * 1000
            tally.took = buckets_of(took_s)
        if waited_s:
            waited_s, offset_s = _mended(waited_s, offset_s)
            tally.waited = buckets_of(waited_s, offset_s)
            tally.waited_ms = max(0.0, sum(waited_s) + len(waited_s) * offset_s) * 1000
        return tally


class Tracker:
    """The windows of one process.

    * the middleware appends times to cells, one for each job and queue;
    * a few times a second, and before the first job that ends in a new minute, whoever ends a job folds the cells into
      the window of their minute;
    * the heartbeat takes the windows.
    """

    def __init__(self) -> None:
        self.cells: dict[tuple[Any, str], _Cell] = {}
        self.fold_at_s = 0.0
        self._lock = threading.Lock()
        self._jobs: set[str] = set()
        self._queues: set[str] = set()
        self._windows: dict[int, Window] = {}
        self._minute = 0
        self._offset_s = 0.0
        self._set_clock()

    def cell(self, job: Any, queue: str) -> _Cell:
        """The cell of a job and a queue."""
        with self._lock:
            key = (job, queue)
            if key not in self.cells:
                self.cells[key] = _Cell(_bounded(self._jobs, job.name), _bounded(self._queues, queue))
            return self.cells[key]

    def fold(self) -> None:
        """Sum up what ended since the last time, unless another thread does it."""
        if self._lock.acquire(blocking=False):
            try:
                self._fold()
            finally:
                self._lock.release()

    def take(self) -> list[Window]:
        """What was measured since the last call, by minute."""
        with self._lock:
            self._fold()
            windows = [self._windows[minute] for minute in sorted(self._windows)]
            self._windows = {}
        return windows

    def _fold(self) -> None:
        for cell in self.cells.values():
            tally = cell.tally(self._offset_s)
            if tally is not None:
                window = self._windows.setdefault(self._minute, Window(self._minute))
                for tallies, name in ((window.jobs, cell.job), (window.queues, cell.queue)):
                    tallies.setdefault(name, Tally()).add(tally)
        self._set_clock()

    def _set_clock(self) -> None:
        now_s, monotonic = clock.now_s(), monotonic_s()
        self._minute = int(now_s // 60)
        self._offset_s = now_s - monotonic
        self.fold_at_s = monotonic + min(FOLD_S, (self._minute + 1) * 60 - now_s)


class MetricsMiddleware(ServerMiddleware):
    """Measures each attempt: the outermost link of the server middleware.

    A job that was held had none. One that a shutdown stopped, or that runs elsewhere by now, is not counted either: it
    runs again.
    """

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._cells = tracker.cells

    # Both are written out, and keep what they need in few words: they are on the way of each job.

    def call(self, execution: Any, next: NextSync) -> Any:
        """Measure a ``def`` job."""
        try:
            result = next(execution)
        except Hold:
            raise
        except BaseException as error:
            self._failed(execution, error)
            raise
        ended_s, started_s = monotonic_s(), execution.started_s
        if ended_s >= self._tracker.fold_at_s:
            self._tracker.fold()
        try:
            cell = self._cells[execution.job, execution.unit.queue]
            cell.waited(started_s - execution.record["enqueued_at"] * 0.001)
        except (KeyError, TypeError, OverflowError):
            cell = self._tracker.cell(execution.job, execution.unit.queue)
            self._waited(cell, execution)
        execution.took_s = took_s = ended_s - started_s
        cell.took(took_s)
        return result

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        """Measure an ``async def`` job."""
        try:
            result = await next(execution)
        except Hold:
            raise
        except BaseException as error:
            self._failed(execution, error)
            raise
        ended_s, started_s = monotonic_s(), execution.started_s
        if ended_s >= self._tracker.fold_at_s:
            self._tracker.fold()
        try:
            cell = self._cells[execution.job, execution.unit.queue]
            cell.waited(started_s - execution.record["enqueued_at"] * 0.001)
        except (KeyError, TypeError, OverflowError):
            cell = self._tracker.cell(execution.job, execution.unit.queue)
            self._waited(cell, execution)
        execution.took_s = took_s = ended_s - started_s
        cell.took(took_s)
        return result

    def _failed(self, execution: Any, error: BaseException) -> None:
        ended_s = monotonic_s()
        execution.took_s = ended_s - execution.started_s
        if _runs_again(execution, error):
            return
        if ended_s >= self._tracker.fold_at_s:
            self._tracker.fold()
        cell = self._tracker.cell(execution.job, execution.unit.queue)
        self._waited(cell, execution)
        cell.failed.append(True)

    @staticmethod
    def _waited(cell: _Cell, execution: Any) -> None:
        enqueued = execution.record.get("enqueued_at")
        if type(enqueued) in (int, float) and abs(enqueued) < 1e15:
            cell.waited(execution.started_s - enqueued * 0.001)


def _runs_again(execution: Any, error: BaseException) -> bool:
    """True for a body that was stopped from outside, as the processor sees it."""
    if isinstance(error, LostJob):
        return bool(execution.lost)
    return isinstance(error, (Shutdown, CancelledError)) and bool(execution.lost or execution.capsule.interrupting)


def _drained(times: list[Any]) -> list[Any]:
    count = len(times)  # what another thread appends meanwhile is left for the next time
    taken = times[:count]
    del times[:count]
    return taken


def _mended(waited_s: list[float], offset_s: float) -> tuple[list[float], float]:
    """Times from a stamp to the start: where that was in seconds, read as if it were in milliseconds, it is as old as
    this century."""
    if max(waited_s) + offset_s < _STAMPS_ARE_SECONDS_S:
        return waited_s, offset_s
    whole = [one + offset_s for one in waited_s]
    return [one if one < _STAMPS_ARE_SECONDS_S else max(0.0, _read_as_seconds(one)) for one in whole], 0.0


def _read_as_seconds(waited_s: float) -> float:
    now_s = clock.now_s()
    return now_s - (now_s - waited_s) * 1000


def _bounded(names: set[str], name: str) -> str:
    if name not in names:
        if len(names) >= MOST_NAMES:
            return OTHER
        names.add(name)
    return name
