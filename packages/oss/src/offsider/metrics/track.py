"""Counts processed and failed jobs in memory. Never talks to Redis."""

from __future__ import annotations

from typing import Any

from ..contract.middleware import NextAsync, NextSync, ServerMiddleware
from ..contract.work import Hold


class Counts:
    """How many attempts ended since the last `take`, and how many of them failed.

    ``processed`` counts attempts, failed ones included: Sidekiq's rule. Two threads that count at once may not
    lose each other's increment, so each count is an append to a list, which is atomic in every CPython.
    """

    def __init__(self) -> None:
        self._ended: list[bool] = []
        self.add = self._ended.append

    def take(self) -> tuple[int, int]:
        """``(processed, failed)`` since the last call."""
        count = len(self._ended)
        failed = sum(self._ended[:count])
        del self._ended[:count]
        return count, failed

    def give_back(self, processed: int, failed: int) -> None:
        """A flush did not reach Redis: keep the counts for the next one."""
        self._ended.extend([True] * failed + [False] * (processed - failed))


class CountMiddleware(ServerMiddleware):
    """Counts each attempt: the outermost link of the server middleware. A job that was held had none."""

    def __init__(self, counts: Counts) -> None:
        self._add = counts.add

    def call(self, execution: Any, next: NextSync) -> Any:
        """Count a ``def`` job."""
        try:
            result = next(execution)
        except Hold:
            raise
        except BaseException:
            self._add(True)
            raise
        self._add(False)
        return result

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        """Count an ``async def`` job."""
        try:
            result = await next(execution)
        except Hold:
            raise
        except BaseException:
            self._add(True)
            raise
        self._add(False)
        return result
