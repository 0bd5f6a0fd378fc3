"""Makes an execution of a payload, runs it through the middleware, and settles what happened.

Never talks to Redis: its product is a `Settlement` that travels with the next exchange.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Collection, Mapping
from random import Random
from typing import TYPE_CHECKING, Any

from .. import clock
from ..contract import effects
from ..contract.work import Hold, Interrupted, Settled, Settlement, UnitOfWork
from ..editions import lacking
from ..errors import InvalidArguments, InvalidOption, JobCancelled, JobTimeout, LostJob, Malformed, Shutdown
from ..job import record as records
from ..job.outcome import Cancel, Kind, Outcome, Snooze
from ..job.sealing import FAILURE, MASK
from .death import announce
from .execution import Execution
from .putback import hold, interrupted, put_back, put_off, quarantine
from .results import result_of
from .retry import after_failure, error_name, error_text

if TYPE_CHECKING:
    from ..contract.seams import Events
    from ..job.define import Job
    from ..store.composer import Composer
    from .around import Around
    from .capsule import Capsule
    from .injection import Injector
    from .joblog import JobLog
    from .timekeeper import Timekeeper

log = logging.getLogger("offsider.worker")


class Processor:
    """One job's way between fetch and settle.

    * `prepare`: payload → execution, or a settlement when it cannot run here;
    * `run` / `arun`: execution → settlement;
    * every failure of a body is an `Outcome`; only control signals pass.
    """

    def __init__(
        self,
        jobs: Mapping[str, Job[..., Any]],
        *,
        around: Around,
        events: Events,
        injector: Injector,
        timekeeper: Timekeeper,
        joblog: JobLog,
        retries: int,
        unknown_window_s: float,
        editions: Collection[str] = (),
        rng: Random | None = None,
        composer: Composer | None = None,
    ) -> None:
        self._jobs = jobs
        self._around = around
        self._composer = composer if composer is not None and composer.fields else None
        self._rare = records.RARE | around.fields | (composer.fields if composer else frozenset())
        self._events = events
        self._inject = injector
        self._timekeeper = timekeeper
        self._joblog = joblog
        self._retries = retries
        self._unknown_window_s = unknown_window_s
        self._editions = editions
        self._rng = rng or Random()

    # -- before ----------------------------------------------------------------------------------------

    def prepare(self, unit: UnitOfWork, capsule: Capsule) -> Execution | Settlement:
        """An execution with its arguments restored; a settlement for what cannot run here.

        Never raises: whatever the bytes are, the jobs taken with them run.
        """
        try:
            record = records.glance(unit.payload, self._rare)
            if record is not None:
                job = self._jobs.get(record["class"])
                args = None if job is None else job.arguments.glance(record["args"])
                if job is not None and args is not None:
                    execution = Execution(unit, record, job, capsule, args, {})
                    execution.usual = True
                    if job.arguments.wants_context:
                        self._inject(execution)
                    return execution
            return self._looked_at(unit, capsule, record)
        except MemoryError:
            return put_off(unit)
        except Exception as error:
            log.exception("a job in queue %s was put into quarantine: it could not be prepared", unit.queue)
            return quarantine(unit, f"it could not be prepared: {error_name(error)}: {error_text(error)}")

    def _looked_at(self, unit: UnitOfWork, capsule: Capsule, record: records.Record | None) -> Execution | Settlement:
        """The same for what is not settled at a glance."""
        try:
            if record is None or not records.is_exact(unit.payload):
                record = records.loads(unit.payload)
        except Malformed as error:
            return _refused(unit, error)
        if "needs" in record and (reason := lacking(record, self._editions)):
            settlement = hold(unit, record, reason)
            log.warning("job %s (%s) is held for %g s: %s", record["class"], record["jid"], settlement.delay_s, reason)
            return self._called(settlement, record)
        job = self._jobs.get(record["class"])
        if job is None:
            reason = f"no job is registered here under the name {record['class']!r}"
            return self._called(put_back(unit, record, reason, self._unknown_window_s), record)
        try:
            args, kwargs = job.restored(record)
        except (InvalidArguments, Malformed, Hold) as why:
            return self._called(self._not_here(unit, record, why), record)
        return self._execution(unit, record, job, capsule, args, kwargs)

    def _not_here(self, unit: UnitOfWork, record: records.Record, why: BaseException) -> Settlement:
        """Where a job goes whose arguments cannot be restored."""
        if isinstance(why, Hold):
            log.info("job %s (%s) is held for %g s: %s", record["class"], record["jid"], why.delay_s, why.reason)
            return hold(unit, record, why.reason, why.delay_s)
        if isinstance(why, Malformed):
            return _refused(unit, why)
        return put_back(unit, record, str(why), self._unknown_window_s)

    def _execution(
        self,
        unit: UnitOfWork,
        record: records.Record,
        job: Job[..., Any],
        capsule: Capsule,
        args: list[Any],
        kwargs: dict[str, Any],
    ) -> Execution:
        execution = Execution(unit, record, job, capsule, args, kwargs)
        execution.watched = "result_ttl" in record or (self._composer is not None and self._composer.wants(record))
        if not self._around.timed.isdisjoint(record):
            record.pop("timeout", None)
        if job.arguments.wants_context:
            self._inject(execution)
        return execution

    # -- perform -----------------------------------------------------------------------------------------

    def run(self, execution: Execution) -> Settlement | None:
        """Run a ``def`` job on this thread; None when it is no longer ours to settle."""
        if execution.cancelled:
            return self._never_begun(execution)
        timeout_s = execution.record.get("timeout")
        logged = self._joblog.wants(execution)
        if logged:
            self._joblog.start(execution)
        execution.started_s = clock.monotonic_s()
        try:
            if timeout_s:
                result = self._timekeeper.run(execution, float(timeout_s), self._around.whole)
            else:
                result = self._around.usual(execution) if execution.usual else self._around.whole(execution)
        except (Shutdown, LostJob) as signal:
            return self._stopped(execution, signal)
        except BaseException as error:  # noqa: BLE001 - whatever a body raises is its failure, SystemExit included
            execution.took_s = clock.monotonic_s() - execution.started_s
            failure = error
        else:
            execution.took_s = clock.monotonic_s() - execution.started_s
            if result is None and not logged and not execution.watched:
                return Settlement(execution.unit, "done", 0.0, None)
            return self._settle(execution, result)
        try:
            return self._settle(execution, None, failure)
        finally:
            del failure  # its traceback holds this frame

    async def arun(self, execution: Execution) -> Settlement | None:
        """Run an ``async def`` job as this task; None when it is no longer ours to settle."""
        if execution.cancelled:
            return self._never_begun(execution)
        timeout_s = execution.record.get("timeout")
        logged = self._joblog.wants(execution)
        if logged:
            self._joblog.start(execution)
        execution.started_s = clock.monotonic_s()
        try:
            if timeout_s:
                result = await _within(float(timeout_s), self._around.awhole(execution), execution)
            else:
                around = self._around.ausual if execution.usual else self._around.awhole
                result = await around(execution)
        except (Shutdown, LostJob, asyncio.CancelledError) as signal:
            return self._stopped(execution, signal)
        except BaseException as error:  # noqa: BLE001 - whatever a body raises is its failure, SystemExit included
            execution.took_s = clock.monotonic_s() - execution.started_s
            failure = error
        else:
            execution.took_s = clock.monotonic_s() - execution.started_s
            if result is None and not logged and not execution.watched:
                return Settlement(execution.unit, "done", 0.0, None)
            return self._settle(execution, result)
        try:
            return self._settle(execution, None, failure)
        finally:
            del failure

    # -- after ---------------------------------------------------------------------------------------------

    def _settle(self, execution: Execution, result: Any, failure: BaseException | None = None) -> Settlement:
        """The settlement of what a body returned or raised. Never fails: a job cannot be left in flight."""
        try:
            if result is None and failure is None and not execution.watched:
                self._joblog.done(execution)
                return Settlement(execution.unit, "done", 0.0, None)
            if isinstance(failure, Settled):
                execution.failed = failure.failed
                return self._called(failure.settlement, execution.record, failure.kind)
            outcome = self._outcome(execution, result, failure)
            if execution.watched and (kept := result_of(execution, outcome, result)) is not None:
                execution.capsule.keep_result(kept)
            settlement = self._settlement(execution, outcome)
            return self._called(settlement, execution.record, outcome.kind) if execution.watched else settlement
        except Shutdown:
            raise  # it came too late for the body; whoever recovers this process runs the job again
        except MemoryError:
            execution.failed = None
            return put_off(execution.unit)
        except BaseException as error:
            hides = execution.job.hides(execution.record)
            told = "job %s (%s) was put into quarantine: its end could not be settled"
            log.error(told, execution.job.name, execution.jid, exc_info=not hides)
            execution.failed = True
            reason = f"its end could not be settled: {error_name(error)}: {MASK if hides else error_text(error)}"
            return self._called(quarantine(execution.unit, reason), execution.record)

    def _called(self, settlement: Settlement, record: records.Record, kind: Kind | None = None) -> Settlement:
        """The same with what effects are to do in its script. What an effect raises is logged: the job goes its way."""
        if self._composer is not None and self._composer.wants(record):
            move = MOVES.get(kind or settlement.kind) or MOVES.get(settlement.kind)
            if move is not None:
                settlement.calls = self._composer.safe_calls(move, record, delay_s=settlement.delay_s)
        return settlement

    def _outcome(self, execution: Execution, result: Any, failure: BaseException | None) -> Outcome:
        if execution.cancelled and (failure is not None or execution.told or isinstance(result, Snooze)):
            outcome = Outcome.cancelled(ON_REQUEST)
        elif failure is None:
            outcome = self._of_result(execution, result)
        else:
            outcome = self._of_failure(execution, failure)
        if outcome.kind in FAILURES:
            execution.failed = True
        elif failure is not None:  # held, interrupted or cancelled
            execution.failed = None
        return outcome

    def _never_begun(self, execution: Execution) -> Settlement:
        """It was cancelled while it waited here for a free slot."""
        return self._settle(execution, None, JobCancelled(ON_REQUEST))

    def _of_result(self, execution: Execution, result: Any) -> Outcome:
        if isinstance(result, Snooze):
            try:
                return Outcome.snoozed(result.delay_s, records.loads(execution.unit.payload))
            except InvalidOption as error:
                return self._of_failure(execution, error)
        if isinstance(result, Cancel):
            return Outcome.cancelled(result.reason)
        return DONE

    def _of_failure(self, execution: Execution, error: BaseException) -> Outcome:
        # A fresh parse: what middleware and body changed in the record is not kept.
        record = records.loads(execution.unit.payload)
        if isinstance(error, Interrupted):
            return Outcome.interrupted(record if error.to_the_end else None, error.reason)
        if isinstance(error, Hold):
            return Outcome.held(error.delay_s, record, error.reason)
        retry = execution.job.options.retry
        outcome = after_failure(record, error, retry, rng=self._rng, retries=self._retries)
        if execution.job.hides(record):
            execution.job.codec.seal_fields(record, FAILURE, jid=execution.jid, of="job")
        return outcome

    def _stopped(self, execution: Execution, signal: BaseException) -> Settlement | None:
        """A body ended by a control signal; one that it raised itself is a failure like any other."""
        execution.took_s = clock.monotonic_s() - execution.started_s
        if execution.cancelled and not execution.lost:
            return self._settle(execution, None, signal)
        if not execution.is_stopped_by(signal):
            return self._settle(execution, None, signal)
        execution.failed = None
        self._joblog.stopped(execution, signal)
        if not execution.lost:
            execution.capsule.hand_back(execution)
        return None

    def _settlement(self, execution: Execution, outcome: Outcome) -> Settlement:
        kind = outcome.kind
        if kind is Kind.DONE:
            self._joblog.done(execution)
            return Settlement(execution.unit, "done", 0.0, None)
        if kind is Kind.CANCELLED:
            self._joblog.cancelled(execution, outcome.reason)
            self._events.emit("cancelled", execution.record)
            return Settlement(execution.unit, "done", 0.0, None)
        if kind is Kind.SNOOZED:
            self._joblog.snoozed(execution, outcome.delay_s)
            record = without_schedule(outcome.record)
            return Settlement(execution.unit, "schedule", outcome.delay_s, records.rewritten(record))
        if kind is Kind.HELD:
            self._joblog.held(execution, outcome.delay_s, outcome.reason)
            assert outcome.record is not None  # Outcome.held() sees to it
            return hold(execution.unit, outcome.record, outcome.reason, outcome.delay_s)
        if kind is Kind.INTERRUPTED:
            self._joblog.interrupted(execution, outcome.reason)
            return interrupted(execution.unit, outcome.record)
        return self._settle_failure(execution, outcome)

    def _settle_failure(self, execution: Execution, outcome: Outcome) -> Settlement:
        record, error = outcome.record, outcome.error
        assert record is not None  # Outcome's constructors see to it
        assert error is not None
        self._joblog.failed(execution, outcome)
        self._events.emit("error", record, error)
        if outcome.kind is Kind.RETRY:
            return Settlement(execution.unit, "retry", outcome.delay_s, records.rewritten(record))
        if outcome.kind is Kind.DISCARDED:
            record["discarded_at"] = clock.now_ms()
        announce(execution.job, record, error, self._events)
        if outcome.kind is Kind.DISCARDED:
            return Settlement(execution.unit, "done", 0.0, None)
        return Settlement(execution.unit, "dead", 0.0, records.rewritten(record))


def _refused(unit: UnitOfWork, error: Malformed) -> Settlement:
    log.error("a job in queue %s was put into quarantine: %s", unit.queue, error)
    return quarantine(unit, str(error))


DONE = Outcome.done()
FAILURES = frozenset((Kind.RETRY, Kind.DEAD, Kind.DISCARDED))
ON_REQUEST = "on request"
# What effects call it when a job is settled so; a job that goes back as it is has not moved on.
MOVES: dict[Kind | str, str] = {
    Kind.DONE: effects.DONE,
    Kind.DISCARDED: effects.DISCARDED,
    Kind.CANCELLED: effects.CANCELLED,
    "done": effects.DONE,
    "dead": effects.DEAD,
    "quarantine": effects.QUARANTINE,
    "retry": effects.RETRY,
    "schedule": effects.LATER,
}


def without_schedule(record: records.Record | None) -> records.Record:
    """A record as it lies in the schedule: the time is the score, not a field. It has run: no longer put back."""
    assert record is not None  # Outcome.snoozed() sees to it
    record.pop("enqueued_at", None)
    record.pop("put_back", None)
    return record


async def _within(timeout_s: float, body: Awaitable[Any], execution: Execution) -> Any:
    try:
        async with asyncio.timeout(timeout_s) as limit:
            return await body
    except TimeoutError as error:
        if not limit.expired():
            raise  # the body's own
        raise JobTimeout(
            f"job {execution.job.name!r} ({execution.jid}) ran longer than its timeout of {timeout_s:g} s and was"
            " cancelled. Raise timeout=, or split the job"
        ) from error
