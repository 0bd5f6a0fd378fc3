"""What a job's verbs call: the push side for enqueuing, the middleware itself for inline runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .contract.middleware import compile_server, compile_server_async
from .contract.work import Hold
from .deferrals import defer, first_of, later_of
from .editions import lacking
from .errors import JobCancelled, JobHeld
from .job.push import PushRequest
from .job.record import dumps, loads

if TYPE_CHECKING:
    from .app import App


class InlineExecution:
    """What server middleware sees of a job that runs where it was called."""

    def __init__(self, request: PushRequest) -> None:
        self.record = loads(dumps(request.record))  # the round trip a queue would make
        self.job = request.job
        self.queue = str(self.record["queue"])
        self.jid = str(self.record["jid"])
        self.args, self.kwargs = self.job.restored(self.record)
        if self.job.arguments.wants_context:
            from .job.context import Context

            tags = tuple(self.record.get("tags") or ())
            context = Context(jid=self.jid, name=self.job.name, queue=self.queue, tags=tags)
            self.job.arguments.inject(self.args, self.kwargs, context)

    def is_stopped_by(self, error: BaseException) -> bool:
        """Whether the body was held or cancelled by this, and has not failed; nobody else can stop it here."""
        return isinstance(error, (Hold, JobCancelled))


class Dispatch:
    """The `Pusher` of an app.

    Attributes:
        app: Whose.
    """

    def __init__(self, app: App) -> None:
        self.app = app

    def push(self, request: PushRequest) -> str | None:
        """Push one."""
        if self.app.deferring and (later := later_of(self.app, request)):
            return defer(self.app, later, [request])[0]
        return self.app.client.push(request)

    async def apush(self, request: PushRequest) -> str | None:
        """Push one, on an event loop."""
        if self.app.deferring and (later := later_of(self.app, request)):
            return defer(self.app, later, [request])[0]
        return await self.app.client.apush(request)

    def push_many(self, requests: Iterable[PushRequest], batch_size: int) -> list[str | None]:
        """Push many."""
        if self.app.deferring:
            first, requests = first_of(requests)
            if first is not None and (later := later_of(self.app, first)):
                return defer(self.app, later, requests)
        return self.app.client.push_many(requests, batch_size)

    async def apush_many(self, requests: Iterable[PushRequest], batch_size: int) -> list[str | None]:
        """Push many, on an event loop."""
        if self.app.deferring:
            first, requests = first_of(requests)
            if first is not None and (later := later_of(self.app, first)):
                return defer(self.app, later, requests)
        return await self.app.client.apush_many(requests, batch_size)

    def inline(self, request: PushRequest) -> Any:
        """Run a ``def`` job here and now."""
        accepted = self.app.accept(request)
        if accepted is None:
            return None
        perform = compile_server(self.app.server_middleware.compile(), _body)
        execution = self._execution(accepted)
        try:
            return perform(execution)
        except Hold as held:
            raise _not_now(execution, held.reason) from held

    async def ainline(self, request: PushRequest) -> Any:
        """Run an ``async def`` job here and now."""
        accepted = self.app.accept(request)
        if accepted is None:
            return None
        perform = compile_server_async(self.app.server_middleware.compile(), _abody)
        execution = self._execution(accepted)
        try:
            return await perform(execution)
        except Hold as held:
            raise _not_now(execution, held.reason) from held

    def _execution(self, request: PushRequest) -> InlineExecution:
        try:
            execution = InlineExecution(request)
        except Hold as held:
            raise _not_now(request, held.reason) from held
        reason = lacking(execution.record, [one.name for one in self.app.editions], "in this process")
        if reason:
            raise _not_now(execution, reason)
        return execution


def _body(execution: Any) -> Any:
    job = execution.job
    if job.resumable is not None:
        return job.resumable.run_through(execution.args, execution.kwargs)
    return job.fn(*execution.args, **execution.kwargs)


async def _abody(execution: Any) -> Any:
    job = execution.job
    if job.resumable is not None:
        return await job.resumable.arun_through(execution.args, execution.kwargs)
    return await job.fn(*execution.args, **execution.kwargs)


def _not_now(of: InlineExecution | PushRequest, reason: str) -> JobHeld:
    return JobHeld(
        f"job {of.job.name!r} was called inline and may not run now: {reason}. Enqueue it: a worker keeps it"
        " until it may"
    )
