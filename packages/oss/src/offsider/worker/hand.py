"""What a capsule has in hand: taken, not settled. Keeps ``def`` and ``async def`` jobs under one concurrency."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .execution import Execution

if TYPE_CHECKING:
    from .tasks import TaskExecutor
    from .threads import ThreadExecutor


class Hand:
    """The jobs of one capsule between fetch and settle; used by the fetch loop only.

    Each executor runs at most ``size`` bodies. While everything in hand is of one kind, all of it is theirs, short
    jobs beyond the free slots included. With both kinds in hand no more than ``size`` jobs are theirs together; the
    others wait here, in order.
    """

    def __init__(self, size: int, threads: ThreadExecutor, tasks: TaskExecutor) -> None:
        self._size = size
        self._threads = threads
        self._tasks = tasks
        self._all: set[Execution] = set()
        self._tasks_in_hand = 0
        self._later: deque[Execution] = deque()
        self.lines = threads.ready, tasks.ready  # what the executors have not begun

    def __len__(self) -> int:
        return len(self._all)

    def copy(self) -> set[Execution]:
        """What is in hand now; may be asked by any thread."""
        return self._all.copy()

    def __iter__(self) -> Iterator[Execution]:
        return iter(self._all)

    @property
    def is_mixed(self) -> bool:
        """True when both kinds are in hand."""
        return 0 < self._tasks_in_hand < len(self._all)

    @property
    def holds_back(self) -> bool:
        """True when jobs wait for the end of others of the other kind: each end is worth a look."""
        return bool(self._later)

    @property
    def waiting(self) -> int:
        """How many jobs the executors have not begun."""
        return sum(map(len, self.lines))

    def take(self, executions: Sequence[Execution], *, wake: int | None = None) -> None:
        """Jobs that were fetched now.

        Args:
            executions: The jobs.
            wake: See `ThreadExecutor.submit`.
        """
        self._all.update(executions)
        self._tasks_in_hand += sum([execution.job.is_async for execution in executions])
        if self._later or self.is_mixed:
            self._later.extend(executions)
            self.fill()
        else:
            self._submit(executions, wake=wake)

    def drop(self, executions: Sequence[Execution]) -> None:
        """Jobs that have ended."""
        self._all.difference_update(executions)
        if self._tasks_in_hand:
            self._tasks_in_hand = sum([execution.job.is_async for execution in self._all])

    def fill(self) -> None:
        """Give the executors what they may have now."""
        if not self._later:
            return
        free = self._size - (len(self._all) - len(self._later)) if self.is_mixed else len(self._later)
        self._submit([self._later.popleft() for _ in range(max(0, min(free, len(self._later))))])

    def spread(self) -> None:
        """What one thread was to run alone is for as many as can take it."""
        self._threads.submit(())

    def urge(self) -> None:
        """Something failed: executors that wait for a thread to run on try again.

        Raises:
            RuntimeError: The system still gives none.
        """
        self._threads.submit(())
        self._tasks.submit(())

    def take_back(self) -> list[Execution]:
        """What has not begun, oldest first; it will not run here any more."""
        taken = [*self._threads.take_back(), *self._tasks.take_back(), *self._later]
        self._later.clear()
        self.drop(taken)
        return taken

    def _submit(self, executions: Sequence[Execution], *, wake: int | None = None) -> None:
        if not self._tasks_in_hand:
            self._threads.submit(executions, wake=wake)
            return
        threads = [one for one in executions if not one.job.is_async]
        if threads:
            self._threads.submit(threads)
        if len(threads) < len(executions):
            self._tasks.submit([one for one in executions if one.job.is_async])
