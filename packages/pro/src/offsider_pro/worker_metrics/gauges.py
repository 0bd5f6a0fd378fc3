"""What a process has used so far: CPU time, memory, blocks. Reads; keeps nothing."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Awaitable, Generator
from typing import Any

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def memory_bytes() -> int | None:
    """Resident memory of this process; None where the system does not say (elsewhere than on Linux)."""
    try:
        with open("/proc/self/statm", "rb", 0) as file:  # noqa: PTH123 - a third of what a Path costs
            return int(file.read(100).split()[1]) * _PAGE_BYTES
    except OSError:
        return None


def blocks() -> int:
    """How many blocks of memory Python's objects have now, in the whole process."""
    return sys.getallocatedblocks()


def thread_cpu_s() -> float:
    """CPU time of this thread so far."""
    return time.thread_time()


class CountedSteps:
    """Awaits something, and counts the CPU time of its steps only: what other tasks of the loop do meanwhile is theirs.

    Attributes:
        cpu_s: So far.

    Example:
        >>> import asyncio
        >>> async def job():
        ...     await asyncio.sleep(0)
        ...     return 7
        >>> steps = CountedSteps(job())
        >>> async def run():
        ...     return await steps
        >>> asyncio.run(run()), steps.cpu_s > 0
        (7, True)
    """

    def __init__(self, awaited: Awaitable[Any]) -> None:
        self._steps: Any = awaited.__await__()
        self.cpu_s = 0.0

    def __await__(self) -> Generator[Any, Any, Any]:
        """Step by step."""
        step: Any = self._steps.send
        given: Any = None
        while True:
            began_s = thread_cpu_s()
            try:
                waits_for = step(given)
            except StopIteration as end:
                return end.value
            finally:
                self.cpu_s += thread_cpu_s() - began_s
            try:
                step, given = self._steps.send, (yield waits_for)
            except GeneratorExit:
                self._steps.close()
                raise
            except BaseException as error:  # noqa: BLE001 - whatever is thrown into the task belongs into the job
                step, given = self._steps.throw, error
