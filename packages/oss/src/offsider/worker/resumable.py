"""Runs bodies: a function is called, a resumable job goes from yield to yield. Settles nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ..contract.work import Hold
from ..errors import StoreError
from ..job.outcome import Cancel, Snooze
from .cursors import Keeper
from .run import Run

if TYPE_CHECKING:
    from ..job.resumable import ResumableJob
    from .execution import Execution

UNREADABLE_S = 5.0


class Bodies:
    """What stands in the middle of the middleware, once a run.

    * a resumable job is called with the cursor that Redis has; a run that cannot read it does not begin;
    * after each yield it may be ended: it is cancelled, its process stops, it has run for so long, it is lost;
    * its last cursor is kept when it is ended, and when it fails; a run that is over is forgotten.

    Args:
        kept: The way to Redis.
        every_s: A cursor is kept at most so often.
        grace_s: How long a step may take before the end of a process cuts it off.
    """

    def __init__(self, kept: Keeper, *, every_s: float, grace_s: float) -> None:
        self._kept = kept
        self._every_s = every_s
        self._grace_s = grace_s

    def call(self, execution: Execution) -> Any:
        """The body of a ``def`` job, on its thread."""
        job = execution.job
        if job.resumable is None:
            return job.fn(*execution.args, **execution.kwargs)
        run = self._begin(job.resumable, execution)
        return self._walk(run)

    async def acall(self, execution: Execution) -> Any:
        """The body of an ``async def`` job, in its task; Redis is spoken with on other threads."""
        job = execution.job
        if job.resumable is None:
            return await job.fn(*execution.args, **execution.kwargs)
        run = await asyncio.to_thread(self._begin, job.resumable, execution)
        return await self._awalk(run)

    def _begin(self, job: ResumableJob[Any, Any, Any], execution: Execution) -> Run:
        try:
            state = self._kept.read(execution.jid)
        except StoreError as error:
            # From the beginning it would do again all that is done.
            raise Hold(f"its cursor cannot be read: {error}", delay_s=UNREADABLE_S) from error
        return Run(job, execution, state, self._kept, every_s=self._every_s, grace_s=self._grace_s)

    # -- a run -----------------------------------------------------------------------------------------------

    def _walk(self, run: Run) -> Any:
        if run.cancelled:
            return run.over(run.cancel())
        steps = run.start()
        try:
            result = _from_yield_to_yield(run, steps)
            if isinstance(result, Snooze):
                run.keep_last()
        except BaseException:
            run.keep_last()
            raise
        finally:
            steps.close()
        return run.over(result)

    async def _awalk(self, run: Run) -> Any:
        if run.cancelled:
            return run.over(run.cancel())
        steps = run.start()
        try:
            result = await _afrom_yield_to_yield(run, steps)
            if isinstance(result, Snooze):
                await asyncio.to_thread(run.keep_last)
        except GeneratorExit:  # the loop is gone
            raise
        except BaseException:
            await asyncio.to_thread(run.keep_last)
            raise
        finally:
            await steps.aclose()
        return run.over(result)


def _from_yield_to_yield(run: Run, steps: Any) -> Any:
    """What the generator returns, or a verdict that ends it."""
    while True:
        try:
            value = next(steps)
        except StopIteration as end:
            return end.value
        if isinstance(value, (Snooze, Cancel)):
            return value
        run.step(value)
        if run.is_due:
            run.keep()
        verdict = run.verdict()
        if verdict is not None:
            return verdict


async def _afrom_yield_to_yield(run: Run, steps: Any) -> Any:
    async for value in steps:
        if isinstance(value, (Snooze, Cancel)):
            return value
        run.step(value)
        if run.is_due:
            await asyncio.to_thread(run.keep)
        verdict = run.verdict()
        if verdict is not None:
            return verdict
    return None
