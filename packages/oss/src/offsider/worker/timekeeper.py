"""Ends ``def`` jobs that run longer than their timeout. Never touches jobs without one."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from typing import Any

from .. import clock
from ..errors import JobTimeout
from .execution import Execution
from .threads import interrupt


class _Watch:
    """One timed body: what the body's thread and the timekeeper agree on under the lock."""

    __slots__ = ("fired", "lock", "running", "thread_id")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.thread_id = threading.get_ident()
        self.running = True
        self.fired = False


FEWEST_ENDED = 1000  # watches of ended bodies that are kept in the heap without a look


class Timekeeper:
    """One thread with a heap of deadlines; started by the first job that has a timeout.

    Most bodies end long before their deadline: when half of the heap is theirs, it is made anew without them.

    A timeout raises `JobTimeout` in the body's thread at its next Python instruction. A body that is inside a
    call into C (a query, a ``sleep``) sees it when that call returns: give such calls timeouts of their own.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, _Watch]] = []
        self._numbers = itertools.count()
        self._ended = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopping = False

    def run(self, execution: Execution, timeout_s: float, body: Callable[[Execution], Any]) -> Any:
        """Run ``body`` on this thread for at most ``timeout_s`` seconds.

        Raises:
            JobTimeout: The time was over.
        """
        watch = _Watch()
        try:
            try:
                self._add(clock.monotonic_s() + timeout_s, watch)  # from here on it may be interrupted
                return body(execution)
            finally:
                with watch.lock:
                    watch.running = False
                if watch.fired:
                    _let_it_arrive()
                else:
                    self._ended += 1  # a lost count only delays the next clean-up
        except JobTimeout as error:
            if not watch.fired:
                raise  # the body's own
            raise JobTimeout(
                f"job {execution.job.name!r} ({execution.jid}) ran longer than its timeout of {timeout_s:g} s and"
                " was interrupted. Raise timeout=, or split the job"
            ) from error

    def stop(self) -> None:
        """End the thread; tolerates not-started and twice."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def _add(self, deadline_s: float, watch: _Watch) -> None:
        with self._changed:
            if self._ended > FEWEST_ENDED and self._ended * 2 > len(self._heap):
                self._forget_ended()
            heapq.heappush(self._heap, (deadline_s, next(self._numbers), watch))
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="offsider-timekeeper", daemon=True)
                self._thread.start()
            elif self._heap[0][2] is watch:
                self._changed.notify()

    def _forget_ended(self) -> None:
        self._heap = [entry for entry in self._heap if entry[2].running]
        heapq.heapify(self._heap)
        self._ended = 0

    def _loop(self) -> None:
        with self._changed:
            while not self._stopping:
                if not self._heap:
                    self._changed.wait()
                    continue
                left_s = self._heap[0][0] - clock.monotonic_s()
                if left_s > 0:
                    self._changed.wait(left_s)
                    continue
                self._fire(heapq.heappop(self._heap)[2])

    @staticmethod
    def _fire(watch: _Watch) -> None:
        with watch.lock:
            if watch.running:
                watch.fired = True
                interrupt(watch.thread_id, JobTimeout)


def _let_it_arrive() -> None:
    # The interruption was sent while the body was ending: it is raised here, at one of these instructions, and
    # not later, in the executor's own code.
    for _ in range(1000):
        pass
