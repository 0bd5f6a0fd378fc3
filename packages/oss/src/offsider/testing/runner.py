"""Runs jobs in a test as a worker does, middleware, retries and events included, without Redis."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ..contract.middleware import NextAsync, NextSync, ServerMiddleware
from ..contract.work import Interrupted, Settlement, UnitOfWork
from ..errors import JobTimeout, LostJob
from ..job.record import loads
from ..worker.around import Around
from ..worker.execution import Execution
from ..worker.injection import inject
from ..worker.joblog import JobLog
from ..worker.processor import Processor
from ..worker.resumable import Bodies
from ..worker.timekeeper import Timekeeper
from .cursors import MemoryCursors
from .death import Crash

if TYPE_CHECKING:
    from ..app import App


@dataclass(slots=True)
class Ran:
    """What became of one run.

    Attributes:
        kind: ``done``, ``retry``, ``dead``, ``quarantine``; ``schedule`` or ``queue`` for one that waits again: it
            returned `Snooze`, was held, or gave way after ``max_run_s``; ``lost`` for one that died with its process.
        payload: The job as it is kept; what it was before for one that is done.
        delay_s: For ``retry`` and ``schedule``.
        result: What the body returned.
        error: What it raised; also of a job that was discarded, whose kind is ``done``.
    """

    kind: str
    payload: bytes
    delay_s: float = 0.0
    result: Any = None
    error: BaseException | None = None


class Runner:
    """Runs payloads of one app, in the thread or the task of its caller. Any number of them at once.

    Attributes:
        cursors: Where resumable jobs go on.

    Example:
        >>> from offsider import App
        >>> from offsider.job.record import dumps
        >>> app = App(editions=[])
        >>> @app.job(name="half")
        ... def half(n: int) -> float:
        ...     return n / 2
        >>> Runner(app).run(dumps({"class": "half", "args": [3], "jid": "1"})).result
        1.5
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._numbers = itertools.count(1)
        self._notes: dict[str, Ran] = {}
        self._timekeeper = Timekeeper()
        self._lock = threading.Lock()
        self._processor: Processor | None = None
        # What a capsule tells an execution: this process does not stop.
        self._capsule: Any = SimpleNamespace(quieted=False, interrupting=False, fetcher=SimpleNamespace(owner="test"))
        self.cursors = MemoryCursors()

    def close(self) -> None:
        """End the thread that watches timeouts."""
        self._timekeeper.stop()

    def run(self, payload: bytes, queue: str = "default") -> Ran:
        """Run a job here and now; an ``async def`` job on an event loop of its own."""
        prepared = self._prepare(payload, queue)
        if isinstance(prepared, Settlement):
            return _of(prepared)
        if prepared.job.is_async:
            settlement = _run_apart(lambda: self._arun_and_leave(prepared))
        else:
            settlement = contextvars.copy_context().run(self._made().run, prepared)
        return self._ended(prepared, settlement)

    async def arun(self, payload: bytes, queue: str = "default") -> Ran:
        """Run a job from an event loop: an ``async def`` job as a task of it, a ``def`` job in a thread."""
        prepared = self._prepare(payload, queue)
        if isinstance(prepared, Settlement):
            return _of(prepared)
        if prepared.job.is_async:
            task = asyncio.create_task(self._made().arun(prepared), context=contextvars.copy_context())
            settlement = await task
        else:
            settlement = await asyncio.to_thread(self._made().run, prepared)
        return self._ended(prepared, settlement)

    def run_to_end(self, payload: bytes, queue: str = "default") -> Ran:
        """The same, for a job that gives way to others: here there are none, and it goes on at once."""
        ran = self.run(payload, queue)
        while isinstance(ran.error, Interrupted):
            ran = self.run(ran.payload, queue)
        return ran

    async def arun_to_end(self, payload: bytes, queue: str = "default") -> Ran:
        """`run_to_end` on an event loop."""
        ran = await self.arun(payload, queue)
        while isinstance(ran.error, Interrupted):
            ran = await self.arun(ran.payload, queue)
        return ran

    # -- steps -----------------------------------------------------------------------------------------------

    def _prepare(self, payload: bytes, queue: str) -> Execution | Settlement:
        unit = UnitOfWork(f"{next(self._numbers)}:{queue}", queue, payload)
        return self._made().prepare(unit, self._capsule)

    async def _arun_and_leave(self, execution: Execution) -> Settlement | None:
        try:
            return await self._made().arun(execution)
        finally:
            await self._app.leave_loop()

    def _ended(self, execution: Execution, settlement: Settlement | None) -> Ran:
        note = self._notes.pop(execution.unit.field, None) or Ran("lost", execution.unit.payload)
        if settlement is None:
            return Ran("lost", execution.unit.payload, error=note.error)
        ran = _of(settlement)
        ran.result, ran.error = note.result, _as_settled(note.error, ran)
        return ran

    def _made(self) -> Processor:
        """The worker's part that runs jobs; the middleware is closed from here on."""
        with self._lock:
            if self._processor is None:
                self._processor = self._make()
            return self._processor

    def _make(self) -> Processor:
        app = self._app
        links = [Noting(self._notes), *app.server_middleware.compile()]
        kept: Any = self.cursors
        bodies = Bodies(kept, every_s=0.0, grace_s=app.settings.worker.shutdown_timeout_s)
        return Processor(
            app.jobs,
            around=Around(links, bodies.call, bodies.acall),
            events=app.events,
            injector=inject,
            timekeeper=self._timekeeper,
            joblog=JobLog(),
            retries=app.settings.jobs.retry,
            unknown_window_s=app.settings.worker.unknown_job_window_s,
            editions=frozenset(edition.name for edition in app.editions),
            rng=Random(0),
        )


class Noting(ServerMiddleware):
    """The outermost link: notes what a run returned or raised, and turns a crash into the end of its process."""

    def __init__(self, notes: dict[str, Ran]) -> None:
        self._notes = notes

    def call(self, execution: Any, next: NextSync) -> Any:
        """Around a ``def`` job."""
        note = self._notes[execution.unit.field] = Ran("", b"")
        try:
            note.result = next(execution)
        except BaseException as error:
            note.error = error
            _end_with_the_process(execution, error)
            raise
        return note.result

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        """Around an ``async def`` job."""
        note = self._notes[execution.unit.field] = Ran("", b"")
        try:
            note.result = await next(execution)
        except BaseException as error:
            note.error = error
            _end_with_the_process(execution, error)
            raise
        return note.result


def _of(settlement: Settlement) -> Ran:
    kept = settlement.unit.payload if settlement.payload is None else settlement.payload
    return Ran(settlement.kind, kept, settlement.delay_s)


def _as_settled(error: BaseException | None, ran: Ran) -> BaseException | None:
    """A timeout reaches the middleware as a bare interruption, and gets its words outside of it."""
    if isinstance(error, (asyncio.CancelledError, JobTimeout)):
        said = loads(ran.payload).get("error_message") if ran.kind in ("retry", "dead") else None
        return JobTimeout(said or "the job ran longer than its timeout")
    return error


def _end_with_the_process(execution: Execution, error: BaseException) -> None:
    """After a crash nothing is settled: neither failed nor retried, as if the process were gone."""
    if isinstance(error, Crash):
        execution.lost = True
        raise LostJob(f"job {execution.job.name!r} died with its process: {error}") from error


def _run_apart(make: Callable[[], Awaitable[Settlement | None]]) -> Settlement | None:
    """Run a coroutine to its end from a thread that may have an event loop of its own already."""

    async def awaited() -> Settlement | None:
        return await make()

    def run() -> None:
        ended.append(asyncio.run(awaited()))

    ended: list[Settlement | None] = []
    context = contextvars.copy_context()
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        context.run(run)
        return ended[0]
    thread = threading.Thread(target=context.run, args=(run,), name="offsider-test")
    thread.start()
    thread.join()
    return ended[0]
