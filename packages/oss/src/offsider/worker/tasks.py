"""Runs ``async def`` jobs as tasks of one event loop. Never talks to Redis."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from ..contract.work import Settlement
from .execution import Execution


class LoopThread:
    """The worker's one event loop, in a thread of its own; started by the first async job.

    One loop for all capsules, so that an application's connection pools, which belong to a loop, are shared.
    Uses uvloop when it is installed.
    """

    def __init__(self, goodbye: Callable[[], Coroutine[Any, Any, None]] | None = None) -> None:
        self._goodbye = goodbye  # run on the loop when it ends: what belongs to it is closed there or never
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The running loop, or None when no async job has run yet."""
        return self._loop

    @property
    def thread_id(self) -> int | None:
        """The thread the loop runs on."""
        return None if self._thread is None else self._thread.ident

    def start(self) -> asyncio.AbstractEventLoop:
        """The running loop; starts it when there is none."""
        with self._lock:
            if self._loop is None:
                loop = _new_loop()
                self._thread = threading.Thread(target=self._run, args=(loop,), name="offsider-loop", daemon=True)
                self._thread.start()
                self._loop = loop
            return self._loop

    def stop(self, timeout_s: float = 3.0) -> None:
        """End the loop; tolerates not-started and twice."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None and self._thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join(timeout_s)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
        finally:
            if self._goodbye is not None:
                loop.run_until_complete(self._goodbye())
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


class TaskExecutor:
    """Up to ``size`` tasks at once; what is over waits here in order.

    Everything below `submit` runs on the loop, so nothing needs a lock.
    """

    def __init__(
        self,
        loop_thread: LoopThread,
        size: int,
        *,
        run: Callable[[Execution], Awaitable[Settlement | None]],
        settled: Callable[[Execution, Settlement | None], None],
    ) -> None:
        self.size = size
        self.running: dict[Execution, asyncio.Task[None]] = {}
        self._loop_thread = loop_thread
        self._run = run
        self._settled = settled
        self.ready: deque[Execution] = deque()  # what has not begun
        self._context = contextvars.copy_context()

    def submit(self, executions: Sequence[Execution]) -> None:
        """Queue executions in order, from any thread: one signal for all."""
        self.ready.extend(executions)
        if not self.ready:
            return
        self._loop_thread.start().call_soon_threadsafe(self._admit)

    def take_back(self) -> list[Execution]:
        """What has not begun, oldest first; it will not run here any more."""
        taken: list[Execution] = []
        while self.ready:
            try:
                taken.append(self.ready.popleft())
            except IndexError:  # the loop was quicker
                break
        return taken

    def cancel_all(self) -> None:
        """Cancel every body that runs now, from any thread."""
        loop = self._loop_thread.loop
        if loop is not None:
            loop.call_soon_threadsafe(lambda: [task.cancel() for task in self.running.values()])

    def _admit(self) -> None:
        loop = asyncio.get_running_loop()
        while self.ready and len(self.running) < self.size:
            try:
                execution = self.ready.popleft()
            except IndexError:  # taken back in this moment
                return
            # A context of its own: we may be inside the end of another job, with what it has left in its variables.
            task = loop.create_task(
                self._perform(execution), name=f"offsider-{execution.jid}", context=self._context.copy()
            )
            self.running[execution] = execution.stopper = task

    async def _perform(self, execution: Execution) -> None:
        settlement: Settlement | None = None
        try:
            settlement = await self._run(execution)
        finally:
            self.running.pop(execution, None)
            self._settled(execution, settlement)
            if self.ready:
                self._admit()
