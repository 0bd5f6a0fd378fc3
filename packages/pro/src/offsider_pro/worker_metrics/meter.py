"""Measures some of the runs of each class, in a worker. Keeps the sums until somebody takes them; talks to nobody."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from offsider import clock
from offsider.contract.middleware import NextAsync, NextSync, ServerMiddleware

from . import gauges
from .usage import Usage

MOST_NAMES = 1000
OTHER = "(other)"
MOST_RUNS = 50  # that it stands around before it rests
LEAST_PAUSE_S = 0.05  # between two measurements, whatever their classes: to count a large heap takes time

Told = Callable[[str, str, Usage], None]
"""One run was measured: its class, its queue, and its cost."""


@dataclass(slots=True)
class Start:
    """The gauges when a run began."""

    number: int
    wakes: int
    rests: int
    company: int
    wall_s: float
    blocks: int
    memory: int | None


class UsageMeter(ServerMiddleware):
    """Around each run; most of them only pass.

    * of each class a run is measured when the last measurement is ``every_s`` ago, so that rare ones are seen, too;
    * where many jobs run, it has seen enough after a few dozen: then it rests, `idle`, and stands around none until it
      is woken again.

    Args:
        busy: How many jobs run in this process now.
        every_s: Between two measurements of one class.
        told: Called after each measurement; None for nobody.
        on_rest: Called when it has become idle.
    """

    def __init__(
        self,
        busy: Callable[[], int],
        *,
        every_s: float,
        told: Told | None = None,
        on_rest: Callable[[], None] = lambda: None,
    ) -> None:
        self._busy = busy
        self._every_s = every_s
        self._told = told
        self._on_rest = on_rest
        self._rests_at = MOST_RUNS
        self._rests = self._wakes = 0
        self._numbers = itertools.count()
        self._due_s: dict[str, float] = {}
        self._next_s = 0.0
        self._lock = threading.Lock()
        self._usages: dict[str, Usage] = {}

    def call(self, execution: Any, next: NextSync) -> Any:
        """Around a ``def`` job."""
        number = self._numbers.__next__()
        if number >= self._rests_at:
            self._rest()
        now_s = clock.monotonic_s()
        if now_s < self._next_s or now_s < self._due_s.get(execution.job.name, 0.0):
            return next(execution)
        start = self._begin(execution.job.name, number, now_s)
        cpu_s = gauges.thread_cpu_s()
        try:
            return next(execution)
        finally:
            self._end(execution, start, gauges.thread_cpu_s() - cpu_s)

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        """Around an ``async def`` job."""
        number = self._numbers.__next__()
        if number >= self._rests_at:
            self._rest()
        now_s = clock.monotonic_s()
        if now_s < self._next_s or now_s < self._due_s.get(execution.job.name, 0.0):
            return await next(execution)
        start = self._begin(execution.job.name, number, now_s)
        steps = gauges.CountedSteps(next(execution))
        try:
            return await steps
        finally:
            self._end(execution, start, steps.cpu_s)

    def take(self) -> dict[str, Usage]:
        """The sums since the last call, by class."""
        with self._lock:
            usages, self._usages = self._usages, {}
        return usages

    def give_back(self, usages: dict[str, Usage]) -> None:
        """Sums that could not be brought anywhere: they come with the next ones."""
        with self._lock:
            for name, usage in usages.items():
                self._sum_of(name).add(usage)

    def wake(self) -> bool:
        """See as many runs as before again; True when it was idle."""
        self._rests_at = self._numbers.__next__() + MOST_RUNS
        self._wakes += 1  # each took a number that was no run's
        was_idle, self.idle = self.idle, False
        return was_idle

    def _rest(self) -> None:
        if not self.idle:
            self.idle = True
            self._rests += 1
            self._on_rest()

    # -- a measurement -------------------------------------------------------------------------------------------

    def _begin(self, name: str, number: int, now_s: float) -> Start:
        self._next_s = now_s + LEAST_PAUSE_S
        if name in self._due_s or len(self._due_s) < MOST_NAMES:
            self._due_s[name] = now_s + self._every_s
        start = Start(number, self._wakes, self._rests, self._busy(), 0.0, gauges.blocks(), gauges.memory_bytes())
        start.wall_s = clock.monotonic_s()
        return start

    def _end(self, execution: Any, start: Start, cpu_s: float) -> None:
        wall_s = clock.monotonic_s() - start.wall_s
        blocks, memory = gauges.blocks() - start.blocks, gauges.memory_bytes()
        grown = 0 if memory is None or start.memory is None else memory - start.memory
        usage = Usage(runs=1, wall_us=round(wall_s * 1e6), cpu_us=round(cpu_s * 1e6))
        if self._was_alone(start):
            usage.alone, usage.memory, usage.blocks = 1, grown, blocks
        else:
            company = max(2, start.company, self._busy())
            usage.shared, usage.shared_memory, usage.shared_blocks = 1, grown // company, blocks // company
        with self._lock:
            self._sum_of(execution.job.name).add(usage)
        if self._told is not None:
            self._told(execution.job.name, execution.queue, usage)

    def _was_alone(self, start: Start) -> bool:
        """Nobody else ran when it began, nobody has begun since, and none of them went unseen."""
        if start.company > 1 or start.rests != self._rests:
            return False
        return self._numbers.__next__() == start.number + 1 + self._wakes - start.wakes

    def _sum_of(self, name: str) -> Usage:
        if name not in self._usages and len(self._usages) >= MOST_NAMES:
            name = OTHER
        return self._usages.setdefault(name, Usage())
