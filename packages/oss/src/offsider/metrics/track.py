"""Measures attempts in memory, by minute, job and queue. Never talks to Redis."""

from __future__ import annotations

import logging
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

log = logging.getLogger("offsider.worker")

MOST_NAMES = 1000
FOLD_S = 0.005  # as long as ended attempts are kept for: some hundreds, when they do nothing
STUCK_S = 5.0
LOOKS = 64  # at waiting times of one job, each time
_STAMPS_ARE_SECONDS_S = 1e9  # Sidekiq wrote `enqueued_at` in seconds up to version 7


class Tracker:
    """The windows of one process.

    * the middleware appends each attempt that has ended to a list, which is atomic in every CPython: threads lose none
      of each other's;
    * whoever ends one 5 ms after the last time folds all that have ended since into the window of their minute: many
      together cost a third of what they cost one by one;
    * the heartbeat takes the windows.
    """

    def __init__(self) -> None:
        self._ended: list[Any] = []
        self._failed: list[Any] = []
        self.end = self._ended.append
        self.fail = self._failed.append
        self.fold_at_s = 0.0
        self._lock = threading.Lock()
        self._jobs: set[str] = set()
        self._queues: set[str] = set()
        self._windows: dict[int, Window] = {}
        self._set_clock()

    def fold(self) -> None:
        """Sum up what has ended since the last time, unless another thread does it."""
        lock = self._lock
        if lock.acquire(blocking=False):
            try:
                self._fold()
            except Exception:  # on the thread of a job that has ended well: that stays so
                log.exception("attempts could not be measured; their jobs are not touched by it")
            finally:
                lock.release()

    def take(self) -> list[Window]:
        """What was measured since the last call, by minute."""
        # A job's timeout may interrupt its thread at any instruction, also between taking the lock and giving it back:
        # who holds it for so long is not there any more.
        while not self._lock.acquire(timeout=STUCK_S):
            self._lock = threading.Lock()
        try:
            self._fold()
            windows = [self._windows[minute] for minute in sorted(self._windows)]
            self._windows = {}
        finally:
            self._lock.release()
        return windows

    # -- folding ---------------------------------------------------------------------------------------------

    def _fold(self) -> None:
        ended, failed = _drained(self._ended), _drained(self._failed)
        if monotonic_s() >= self._minute_end_s:
            end_s = self._minute_end_s
            self._add([one for one in ended if _end_s(one) < end_s], [one for one in failed if _end_s(one) < end_s])
            ended, failed = ([one for one in both if _end_s(one) >= end_s] for both in (ended, failed))
            self._set_clock()
        self._add(ended, failed)
        self.fold_at_s = min(monotonic_s() + FOLD_S, self._minute_end_s)

    def _set_clock(self) -> None:
        now_s, monotonic = clock.now_s(), monotonic_s()
        self._minute = int(now_s // 60)
        self._minute_end_s = monotonic + (self._minute + 1) * 60 - now_s
        self._offset_s = now_s - monotonic

    def _add(self, ended: list[Any], failed: list[Any]) -> None:
        if ended:
            job, queue = ended[0].job, ended[0].unit.queue
            took_s = [one.took_s for one in ended if one.job is job and one.unit.queue == queue]
            if len(took_s) == len(ended):  # mostly
                self._add_ended(job, queue, ended, took_s)
            else:
                for (job, queue), group in _grouped(ended).items():
                    self._add_ended(job, queue, group, [one.took_s for one in group])
        for (job, queue), group in _grouped(failed).items():
            self._count(job, queue, Tally(len(group), failed=len(group)), group)

    def _add_ended(self, job: Any, queue: str, group: list[Any], took_s: list[float]) -> None:
        tally = Tally(len(group), took_ms=sum(took_s) * 1000, took=buckets_of(took_s))
        self._count(job, queue, tally, group)

    def _count(self, job: Any, queue: str, tally: Tally, group: list[Any]) -> None:
        # Of very many that end within 5 ms, those in between have waited as long as their neighbours.
        step = len(group) // LOOKS or 1
        try:
            waited_s = [one.started_s - one.record["enqueued_at"] * 0.001 for one in group[::step]]
            odd = max(waited_s) + self._offset_s >= _STAMPS_ARE_SECONDS_S
        except (KeyError, TypeError, OverflowError):
            odd = True
        if odd:
            waited_s, step = _waited_one_by_one(group, self._offset_s), 1
        if waited_s:
            self._add_waits(tally, waited_s, step, len(group))
        window = self._windows.get(self._minute)
        if window is None:
            window = self._windows[self._minute] = Window(self._minute)
        for tallies, name in (
            (window.jobs, _bounded(self._jobs, job.name)),
            (window.queues, _bounded(self._queues, queue)),
        ):
            known = tallies.get(name)
            if known is None:
                known = tallies[name] = Tally()
            known.add(tally)

    def _add_waits(self, tally: Tally, waited_s: list[float], step: int, count: int) -> None:
        """Each stands for ``step`` attempts, and the last for those that are left."""
        offset_s, last = self._offset_s, 0
        total_s = (sum(waited_s) + len(waited_s) * offset_s) * step
        if step > 1:
            last = count - step * len(waited_s)
            total_s += (waited_s[-1] + offset_s) * last
        tally.waited_ms = max(0.0, total_s) * 1000
        (final,) = buckets_of(waited_s[-1:], offset_s)
        tally.waited = {bucket: found * step for bucket, found in buckets_of(waited_s, offset_s).items()}
        tally.waited[final] += last


class MetricsMiddleware(ServerMiddleware):
    """Measures each attempt: the outermost link of the server middleware.

    A job that was held had none. One that a shutdown stopped, or that runs elsewhere by now, is not counted either: it
    runs again. Nor is one that was cancelled.
    """

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._end = tracker.end

    # Both are written out, and do as little as can be: they are on the way of each job (decision 0020).

    def call(self, execution: Any, next: NextSync) -> Any:
        """Measure a ``def`` job."""
        try:
            result = next(execution)
        except Hold:
            raise
        except BaseException as error:
            self._failed(execution, error)
            raise
        ended_s = monotonic_s()
        execution.took_s = ended_s - execution.started_s
        self._end(execution)
        if ended_s >= self._tracker.fold_at_s:
            self._tracker.fold()
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
        ended_s = monotonic_s()
        execution.took_s = ended_s - execution.started_s
        self._end(execution)
        if ended_s >= self._tracker.fold_at_s:
            self._tracker.fold()
        return result

    def _failed(self, execution: Any, error: BaseException) -> None:
        ended_s = monotonic_s()
        execution.took_s = ended_s - execution.started_s
        if not _is_no_failure(execution, error):
            self._tracker.fail(execution)
        if ended_s >= self._tracker.fold_at_s:
            self._tracker.fold()


def _is_no_failure(execution: Any, error: BaseException) -> bool:
    """True for a body that was stopped from outside, as the processor sees it, or was cancelled: it has not failed."""
    if getattr(execution, "cancelled", False):
        return True
    if isinstance(error, LostJob):
        return bool(execution.lost)
    return isinstance(error, (Shutdown, CancelledError)) and bool(execution.lost or execution.capsule.interrupting)


def _end_s(execution: Any) -> float:
    return float(execution.started_s + execution.took_s)


def _drained(ended: list[Any]) -> list[Any]:
    count = len(ended)  # what another thread appends meanwhile is left for the next time
    taken = ended[:count]
    del ended[:count]
    return taken


def _grouped(ended: list[Any]) -> dict[tuple[Any, str], list[Any]]:
    groups: dict[tuple[Any, str], list[Any]] = {}
    for one in ended:
        groups.setdefault((one.job, one.unit.queue), []).append(one)
    return groups


def _waited_one_by_one(group: list[Any], offset_s: float) -> list[float]:
    """What can be read of stamps in any form, in the time from which the offset leads to ours."""
    waited_s = []
    for one in group:
        stamp = one.record.get("enqueued_at")
        if type(stamp) in (int, float) and 0 < stamp < 1e15:
            in_seconds = one.started_s + offset_s - stamp * 0.001 >= _STAMPS_ARE_SECONDS_S
            waited_s.append(one.started_s - stamp * (1.0 if in_seconds else 0.001))
    return waited_s


def _bounded(names: set[str], name: str) -> str:
    if name not in names:
        if len(names) >= MOST_NAMES:
            return OTHER
        names.add(name)
    return name
