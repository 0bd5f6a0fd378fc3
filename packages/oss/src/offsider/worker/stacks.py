"""What every thread and every asyncio task is doing, as text."""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any


def stacks(
    loops: Sequence[asyncio.AbstractEventLoop],
    jobs: Mapping[int, str],
    task_jobs: Mapping[asyncio.Task[Any], str] | None = None,
) -> str:
    """The stacks of all threads, then of all tasks of some loops.

    Args:
        loops: Whose tasks.
        jobs: What a thread runs, by thread id.
        task_jobs: What a task runs.
    """
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    parts = []
    for ident, frame in sys._current_frames().items():
        job = f" running {jobs[ident]}" if ident in jobs else ""
        lines = "".join(traceback.format_stack(frame))
        parts.append(f"Thread {names.get(ident, '?')} ({ident}){job}\n{lines}")
    for loop in loops:
        parts += [_task(task, (task_jobs or {}).get(task)) for task in asyncio.all_tasks(loop)]
    return "\n".join(parts)


def _task(task: asyncio.Task[Any], job: str | None) -> str:
    running = f" running {job}" if job else ""
    return f"Task {task.get_name()}{running}\n{''.join(_lines(task.get_coro()))}"


def _lines(awaited: Any) -> list[str]:
    """From the task's outermost coroutine to what it waits for: `Task.print_stack` shows the outermost only."""
    frames: list[tuple[FrameType, int]] = []
    while awaited is not None and (frame := _frame(awaited)) is not None:
        frames.append((frame, frame.f_lineno))
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
    lines = traceback.StackSummary.extract(iter(frames)).format()
    return lines if awaited is None else [*lines, f"  waiting for {awaited!r:.200}\n"]


def _frame(awaited: Any) -> FrameType | None:
    frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
    return frame if isinstance(frame, FrameType) else None
