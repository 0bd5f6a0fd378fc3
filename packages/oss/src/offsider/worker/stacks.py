"""What every thread and every asyncio task is doing, as text."""

from __future__ import annotations

import asyncio
import io
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence


def stacks(loops: Sequence[asyncio.AbstractEventLoop], jobs: Mapping[int, str]) -> str:
    """The stacks of all threads, then of all tasks of some loops.

    Args:
        loops: Whose tasks.
        jobs: What a thread runs, by thread id.
    """
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    parts = []
    for ident, frame in sys._current_frames().items():
        job = f" running {jobs[ident]}" if ident in jobs else ""
        lines = "".join(traceback.format_stack(frame))
        parts.append(f"Thread {names.get(ident, '?')} ({ident}){job}\n{lines}")
    for loop in loops:
        parts += [_task(task) for task in asyncio.all_tasks(loop)]
    return "\n".join(parts)


def _task(task: asyncio.Task[object]) -> str:
    out = io.StringIO()
    task.print_stack(file=out)
    return f"Task {task.get_name()}\n{out.getvalue()}"
