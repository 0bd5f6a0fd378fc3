"""Runs ``def`` jobs on threads. Never talks to Redis, never decides what an outcome means."""

from __future__ import annotations

import contextvars
import ctypes
import logging
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

from ..contract.work import Settlement
from .execution import Execution

log = logging.getLogger("offsider.worker")

_set_async_exc = ctypes.pythonapi.PyThreadState_SetAsyncExc
_set_async_exc.argtypes = (ctypes.c_ulong, ctypes.py_object)


def interrupt(thread_id: int, error: type[BaseException]) -> None:
    """Raise ``error`` in a thread at its next Python instruction; a call into C is not interrupted."""
    _set_async_exc(ctypes.c_ulong(thread_id), ctypes.py_object(error))


class ThreadExecutor:
    """Up to ``size`` threads that take executions from one queue.

    One queue and no future per job: handing a batch over costs one signal, not one a job. Threads start when
    they are needed and live until `stop`.
    """

    def __init__(
        self,
        name: str,
        size: int,
        *,
        run: Callable[[Execution], Settlement | None],
        settled: Callable[[Execution, Settlement | None], None],
    ) -> None:
        self.size = size
        self.running: dict[int, Execution] = {}  # thread id → what it runs
        self._name = name
        self._run = run
        self._settled = settled
        self._ready: SimpleQueue[Execution | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._stopping = False

    def submit(self, executions: Sequence[Execution]) -> None:
        """Queue executions in order; starts as many threads as they can use.

        Raises:
            RuntimeError: The system gives no thread, and there is none yet: the executions stay queued.
        """
        for execution in executions:
            self._ready.put(execution)
        wanted = min(self.size, len(self.running) + self._ready.qsize())
        while len(self._threads) < wanted:
            thread = threading.Thread(
                target=self._loop, name=f"offsider-{self._name}-{len(self._threads) + 1}", daemon=True
            )
            try:
                thread.start()
            except RuntimeError as error:
                if not self._threads:
                    raise
                log.error("no thread for another job (%s): %d serve the queue", error, len(self._threads))
                return
            self._threads.append(thread)

    @property
    def waiting(self) -> int:
        """How many executions no thread has begun."""
        return self._ready.qsize()

    def take_back(self) -> list[Execution]:
        """What no thread has begun, oldest first; it will not run here any more."""
        taken: list[Execution] = []
        while True:
            try:
                execution = self._ready.get_nowait()
            except Empty:
                return taken
            if execution is not None:
                taken.append(execution)

    def stop(self) -> None:
        """Let the threads end when their queue is empty."""
        self._stopping = True
        for _ in self._threads:
            self._ready.put(None)

    def join(self, timeout_s: float) -> None:
        """Wait for threads that have ended or are about to."""
        for thread in self._threads:
            thread.join(timeout_s)

    def interrupt_all(self, error: type[BaseException]) -> None:
        """Raise ``error`` in every body that runs now."""
        for thread_id in list(self.running):
            interrupt(thread_id, error)

    def _loop(self) -> None:
        thread_id = threading.get_ident()
        ready, run, settled, running = self._ready, self._run, self._settled, self.running
        while True:
            execution = ready.get()
            if execution is None:
                return
            running[thread_id] = execution
            settlement: Settlement | None = None
            try:
                # A context of its own: what a body leaves in context variables does not reach the next job.
                settlement = contextvars.copy_context().run(run, execution)
            except BaseException:
                # An interruption that came too late for its body: the job stays in flight for whoever recovers it.
                log.exception("%s %s was interrupted while it was being settled", execution.job.name, execution.jid)
            finally:
                running.pop(thread_id, None)
                settled(execution, settlement)
