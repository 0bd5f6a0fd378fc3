"""Stands around the runs of suspects: each runs in a process of its own, and what becomes of it is settled here."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from offsider import clock
from offsider.contract.middleware import NextAsync, NextSync, ServerMiddleware
from offsider.contract.work import Hold, Settled, Settlement
from offsider.errors import LostJob, StoreError
from offsider.job import record as records
from offsider.job.sealing import unmark

from .cause import Cause
from .guards import ALONE, COMPANY
from .isolation import Isolation, Run
from .suspects import FIELD, MOST_DEATHS, died_alone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offsider.worker.worker import Worker

    from .notes import SuspectNotes

log = logging.getLogger("offsider.pro")

LOOK_S = 0.05
AGAIN_S = 1.0
STOP_S = 2.0


class RunAlone(ServerMiddleware):
    """Runs suspects alone.

    * the process is a child's child of this one: when it dies, the job is counted as dead alone, and nobody else is;
    * the third death puts it among the dead, with the cause;
    * where no such process can be started, it runs here, in company, and deaths are counted as in the free edition.

    Args:
        worker: Whose jobs.
        isolation: Where they run.
        notes: Where it is noted what runs, for whoever recovers this process.
    """

    fields = frozenset({FIELD})
    keeps_time = True

    def __init__(self, worker: Worker, isolation: Isolation, notes: SuspectNotes) -> None:
        self._worker = worker
        self._isolation = isolation
        self._notes = notes

    def call(self, execution: Any, next: NextSync) -> Any:
        """Around a ``def`` job."""
        run = self._begin(execution)
        if run is None:
            return self._in_company(execution, next)
        try:
            for pause_s in self._steps(run, execution):
                run.wait(pause_s)
        except BaseException:
            run.stop(STOP_S)
            raise
        finally:
            self._notes.remove(execution.jid)
        raise self._settled(execution, run)

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        """Around an ``async def`` job."""
        run = await asyncio.to_thread(self._begin, execution)
        if run is None:
            return await self._ain_company(execution, next)
        try:
            for pause_s in self._steps(run, execution):
                await asyncio.sleep(pause_s)
        except BaseException:
            await asyncio.shield(asyncio.to_thread(run.stop, STOP_S))
            raise
        finally:
            await asyncio.to_thread(self._notes.remove, execution.jid)
        raise self._settled(execution, run)

    # -- before ----------------------------------------------------------------------------------------------

    def _begin(self, execution: Any) -> Run | None:
        """The run; None where none is possible.

        Raises:
            Hold: Redis is away: what is not noted could be blamed on others.
        """
        name, jid = execution.job.name, execution.jid
        possible = self._isolation.is_possible(name)
        try:
            self._notes.add(jid, ALONE if possible else COMPANY)
        except StoreError as error:
            raise Hold(f"it is to run alone, and that cannot be noted: {error}", delay_s=AGAIN_S) from error
        if not possible:
            return None
        log.warning("job %s (%s) runs alone: it was in flight when its process died", name, jid)
        return self._isolation.run(execution.unit, execution.capsule.fetcher.owner, name)

    def _in_company(self, execution: Any, next: NextSync) -> Any:
        try:
            return next(execution)
        finally:
            self._notes.remove(execution.jid)

    async def _ain_company(self, execution: Any, next: NextAsync) -> Any:
        try:
            return await next(execution)
        finally:
            await asyncio.to_thread(self._notes.remove, execution.jid)

    # -- while it runs ---------------------------------------------------------------------------------------

    def _steps(self, run: Run, execution: Any) -> Iterator[float]:
        """Pauses until it is over; between them the run is told what its process should know.

        Raises:
            LostJob: The job is not ours any more.
            Shutdown: This process stops, and the run with it.
        """
        cancelled = quieted = False
        while not run.is_over:
            if execution.lost:
                raise LostJob(f"job {execution.job.name!r} ({execution.jid}) was given to another process")
            if execution.cancelled and not cancelled:
                cancelled = True
                run.cancel()
            if execution.capsule.quieted and not quieted:
                quieted = True
                run.quiet()
            yield LOOK_S

    # -- after -----------------------------------------------------------------------------------------------

    def _settled(self, execution: Any, run: Run) -> BaseException:
        end = run.end
        if end.settlement is not None:
            if end.is_final and execution.job.resumable is not None:
                self._worker.services["cursors"].forget(execution)  # type: ignore[attr-defined]
            return Settled(end.settlement, failed=end.failed, kind=end.kind)
        if end.cause is None:
            return Hold(f"it is to run alone, and could not: {end.why}", delay_s=AGAIN_S)
        return Settled(self._dead_or_again(execution, end.cause, end.trace), failed=True)

    def _dead_or_again(self, execution: Any, cause: Cause, trace: str) -> Settlement:
        record = records.loads(execution.unit.payload)
        lost = died_alone(record, cause)
        name, jid = execution.job.name, execution.jid
        record.pop("put_back", None)
        record["queue"] = execution.unit.queue
        if lost is None:
            deaths = record[FIELD]["deaths"]
            log.error("job %s (%s) has died alone, %d of %d times: %s", name, jid, deaths, MOST_DEATHS, cause)
            record.pop("enqueued_at", None)
            return Settlement(execution.unit, "schedule", AGAIN_S, records.rewritten(record))
        log.error("job %s (%s) is dead: %s", name, jid, lost)
        unmark(record, "error_message")
        record["error_class"] = "offsider.ProcessLost"
        record["error_message"] = str(lost) + (f"\n{trace}" if trace else "")
        record["failed_at"] = clock.now_ms()
        self._worker.note_died(record, lost)
        return Settlement(execution.unit, "dead", 0.0, records.rewritten(record))
