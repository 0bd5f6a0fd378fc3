"""Runs ``def`` jobs on threads. Never talks to Redis, never decides what an outcome means."""

from __future__ import annotations

import contextvars
import ctypes
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence

from ..contract.work import Settlement
from .execution import Execution

log = logging.getLogger("offsider.worker")

_set_async_exc = ctypes.pythonapi.PyThreadState_SetAsyncExc
_set_async_exc.argtypes = (ctypes.c_ulong, ctypes.py_object)


def interrupt(thread_id: int, error: type[BaseException]) -> None:
    """Raise ``error`` in a thread at its next Python instruction; a call into C is not interrupted."""
    _set_async_exc(ctypes.c_ulong(thread_id), ctypes.py_object(error))


class ThreadExecutor:
    """Up to ``size`` threads that take executions from one line.

    No future per job, and no more wake-ups than needed: handing over costs one signal, and none when the thread that
    submits takes the jobs itself; who takes a job and leaves others wakes the next. Threads start when they are
    needed and live until `stop`.
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
        self.ready: deque[Execution] = deque()  # what no thread has begun
        self._name = name
        self._run = run
        self._settled = settled
        self._spreading = True
        self._parked: list[threading.Lock] = []  # one of each thread that waits; who takes it out releases it
        self._threads: list[threading.Thread] = []
        self._stopping = False

    def submit(self, executions: Sequence[Execution], *, wake: int | None = None) -> None:
        """Queue executions in order; wakes or starts as many threads as they can use.

        Args:
            executions: What to run.
            wake: 1 or 0 to have them run by one thread, one after the other: by one that is woken, or by the one
                that submits; None for as many threads as they can use.

        Raises:
            RuntimeError: The system gives no thread, and there is none yet: the executions stay queued.
        """
        self.ready.extend(executions)
        self._spreading = wake is None
        wanted = len(self.ready) if wake is None else min(wake, len(self.ready))
        if wanted:
            self._start_threads(min(self.size, len(self.running) + wanted))
            self._wake()

    def take_back(self) -> list[Execution]:
        """What no thread has begun, oldest first; it will not run here any more."""
        taken: list[Execution] = []
        while self.ready:
            try:
                taken.append(self.ready.popleft())
            except IndexError:  # a thread was quicker
                break
        return taken

    def stop(self) -> None:
        """Let the threads end when nothing is left for them."""
        self._stopping = True
        for _ in self._threads:
            self._wake()

    def join(self, timeout_s: float) -> None:
        """Wait for threads that have ended or are about to."""
        for thread in self._threads:
            thread.join(timeout_s)

    def interrupt_all(self, error: type[BaseException]) -> None:
        """Raise ``error`` in every body that runs now."""
        for thread_id in list(self.running):
            interrupt(thread_id, error)

    def _start_threads(self, wanted: int) -> None:
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

    def _wake(self) -> None:
        try:
            self._parked.pop().release()  # who parked last: its memory is still warm
        except IndexError:  # nobody waits
            return

    def _park(self, bell: threading.Lock) -> None:
        """Wait until `_wake`, unless there is work or the end is near."""
        self._parked.append(bell)
        if self.ready or self._stopping:  # looked at after we can be seen: who comes later wakes us
            try:
                self._parked.remove(bell)
                return
            except ValueError:  # somebody has taken it out, and releases it
                pass
        bell.acquire()

    def _loop(self) -> None:
        thread_id, bell = threading.get_ident(), threading.Lock()
        bell.acquire()
        ready, parked, running = self.ready, self._parked, self.running
        take, run, settled = ready.popleft, self._run, self._settled
        while True:
            try:
                execution = take()
            except IndexError:
                if self._stopping:
                    return
                self._park(bell)
                continue
            if self._spreading and parked and ready:
                self._wake()  # each wakes the next: no more than there is work for by then
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
