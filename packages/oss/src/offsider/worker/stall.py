"""Notices a job that blocks the event loop, and says which one."""

from __future__ import annotations

import asyncio
import logging
import sys
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from .. import clock
from .execution import Execution
from .service import PeriodicService

if TYPE_CHECKING:
    from .tasks import LoopThread

log = logging.getLogger("offsider.worker")


class StallWatch(PeriodicService):
    """Asks the loop for a sign of life; one that does not answer in time is blocked by what runs on it now.

    Each stall is told once, with the job's name, its id and the line it is at.
    """

    name = "stall watch"

    def __init__(self, loop_thread: LoopThread, running: Callable[[], list[Execution]], stall_s: float) -> None:
        super().__init__()
        self._loop_thread = loop_thread
        self._running = running
        self._stall_s = stall_s
        self._asked_s: float | None = None
        self._told = False

    def tick(self) -> float:
        """Ask, or see how long the answer takes."""
        loop = self._loop_thread.loop
        if loop is None:
            return 1.0
        now_s = clock.monotonic_s()
        if self._asked_s is None:
            self._asked_s, self._told = now_s, False
            loop.call_soon_threadsafe(self._answer)
        elif now_s - self._asked_s >= self._stall_s and not self._told:
            self._told = True
            self._tell(loop)
        return self._stall_s / 4

    def _answer(self) -> None:
        self._asked_s = None

    def _tell(self, loop: asyncio.AbstractEventLoop) -> None:
        task = asyncio.current_task(loop)
        execution = next((one for one in self._running() if one.stopper is task and task is not None), None)
        who = f"job {execution.job.name} ({execution.jid})" if execution is not None else "something that is no job"
        frame = sys._current_frames().get(self._loop_thread.thread_id or 0)
        where = "".join(traceback.format_stack(frame)) if frame is not None else ""
        log.error(
            "%s has blocked the event loop for %.1f s: every async job of this process waits for it. Await what it"
            " waits for, or make it a def job, which runs on a thread\n%s",
            who,
            self._stall_s,
            where,
        )
