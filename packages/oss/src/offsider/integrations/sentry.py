"""Sentry: errors with the job that they are of, and a trace from where a job is enqueued to each of its runs.

What is sent, and where to, is for the SDK that the program sets up; while it is not set up, nothing is done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any

try:
    import sentry_sdk
    from sentry_sdk.integrations.logging import ignore_logger
    from sentry_sdk.scope import should_send_default_pii
    from sentry_sdk.utils import event_from_exception
except ImportError as error:
    raise ImportError("Sentry needs its SDK: pip install 'offsider[sentry]'") from error

from .. import clock
from ..contract.middleware import ClientMiddleware, NextAsync, NextPush, NextSync, ServerMiddleware
from ..contract.work import Settled
from ..errors import JobTimeout
from ..job.sealing import FIELD as FIELD_SEALED
from ..job.sealing import MASK, shown_args, shown_kwargs

if TYPE_CHECKING:
    from ..app import App
    from ..job.push import PushRequest

NAME = "sentry"
FIELD = "trace_propagation_headers"  # as Sentry's Ruby SDK calls it in Sidekiq's jobs
_ORIGIN = "auto.queue.offsider"
_HEADERS = ("sentry-trace", "baggage")


def instrument(app: App, *, at_death: bool = False) -> None:
    """Tell Sentry of every enqueue, every run and every error of an app's jobs. Call it while the app is defined.

    Args:
        app: The app; one that was never given here loads nothing and pays nothing.
        at_death: Report a job that has failed for the last time only, not each of its failures before.

    Raises:
        DuplicateName: It was given here before.
        SeamClosed: Too late: the app already runs.

    Example:
        >>> from offsider import App
        >>> app = App(editions=[])
        >>> instrument(app)
        >>> @app.job
        ... def welcome(user: int) -> int:
        ...     return user
        >>> welcome.inline(7)
        7
    """
    # Around all that an app has by now and will have: what it does is within the spans.
    app.client_middleware.add(NAME, Publishing(), by=NAME, first=True)
    app.server_middleware.add(NAME, Processing(reports=not at_death), by=NAME, first=True)
    if at_death:
        app.events.on("death", _report_later, by=NAME)
    else:
        app.events.on("error", partial(_report_unseen, app), by=NAME)
    ignore_logger("offsider.job")  # whose lines about a failure would be second events of the same


class Publishing(ClientMiddleware):
    """A span for each enqueue; where it is in its trace travels with the job."""

    def push(self, request: PushRequest, next: NextPush) -> PushRequest | None:
        """Around the push of one job."""
        if not sentry_sdk.is_initialized():
            return next(request)
        record = request.record
        with sentry_sdk.start_span(op="queue.publish", name=str(record["class"]), origin=_ORIGIN) as span:
            for name, value in _data(record).items():
                span.set_data(name, value)
            headers = {"sentry-trace": sentry_sdk.get_traceparent(), "baggage": sentry_sdk.get_baggage()}
            record.setdefault(FIELD, {name: value for name, value in headers.items() if value})
            return next(request)


class Processing(ServerMiddleware):
    """A transaction for each run, in the trace in which the job was enqueued, in a scope of its own.

    Args:
        reports: Report each failure.
    """

    def __init__(self, *, reports: bool) -> None:
        self._reports = reports

    def call(self, execution: Any, next: NextSync) -> Any:
        """Around a ``def`` job."""
        with self._transaction(execution):
            return next(execution)

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        """Around an ``async def`` job."""
        with self._transaction(execution):
            return await next(execution)

    @contextmanager
    def _transaction(self, execution: Any) -> Iterator[None]:
        if not sentry_sdk.is_initialized():
            yield
            return
        record = execution.record
        with sentry_sdk.isolation_scope() as scope:
            scope.clear_breadcrumbs()
            _describe(scope, record, execution.queue, _attempt(record))
            transaction = sentry_sdk.continue_trace(
                _headers(record), op="queue.process", name=str(record["class"]), source="task", origin=_ORIGIN
            )
            ended: BaseException | None = None
            with sentry_sdk.start_transaction(transaction):
                for name, value in (_data(record) | _received(record, execution.queue)).items():
                    transaction.set_data(name, value)
                try:
                    yield
                    transaction.set_status("ok")
                except Settled as settled:
                    transaction.set_status("internal_error" if settled.failed else "aborted")
                    ended = settled
                except BaseException as error:
                    if execution.is_stopped_by(error):  # no failure of this run, which it would be for the span
                        transaction.set_status("aborted")
                        ended = error
                    else:
                        self._failed(transaction, execution, error)
                        raise
            if ended is not None:
                raise ended

    def _failed(self, transaction: Any, execution: Any, error: BaseException) -> None:
        transaction.set_status("internal_error")
        if self._reports and isinstance(error, Exception):
            _report(error, hides=execution.job.hides(execution.record))


def _report_unseen(app: App, record: dict[str, Any], error: BaseException) -> None:
    """Failures that are none where the middleware is: a body that calls `sys.exit`, and an ``async def`` job whose time
    was over, which is cancelled there."""
    job = app.jobs.get(record["class"])
    if not isinstance(error, Exception) or (isinstance(error, JobTimeout) and job is not None and job.is_async):
        _report_later(record, error)


def _report_later(record: dict[str, Any], error: BaseException) -> None:
    if sentry_sdk.is_initialized():
        with sentry_sdk.isolation_scope() as scope:
            scope.clear_breadcrumbs()
            last = int(record.get("retry_count") or 0)  # it counts the failure already
            _describe(scope, record, str(record.get("queue") or "default"), last)
            _report(error, hides=FIELD_SEALED in record)


def _report(error: BaseException, *, hides: bool) -> None:
    event, hint = event_from_exception(
        (type(error), error, _below_us(error.__traceback__)),
        client_options=sentry_sdk.get_client().options,
        mechanism={"type": "offsider", "handled": False},
    )
    if hides:
        event, hint = _masked(event), {}
    sentry_sdk.capture_event(event, hint=hint)


def _masked(event: Any) -> Any:
    """Where it happened, and as what; neither what the error says nor what variables hold: the job is encrypted."""
    for one in event["exception"]["values"]:
        one["value"] = MASK
        for frame in (one.get("stacktrace") or {}).get("frames", ()):
            frame.pop("vars", None)
    return event


def _below_us(trace: TracebackType | None) -> TracebackType | None:
    """Without our own frames at its beginning, which say nothing, and have the arguments among their variables."""
    below = trace
    while below is not None and str(below.tb_frame.f_globals.get("__name__", "")).startswith("offsider."):
        below = below.tb_next
    return below or trace


def _describe(scope: Any, record: dict[str, Any], queue: str, attempt: int) -> None:
    scope.set_transaction_name(str(record["class"]), source="task")
    scope.set_tag("offsider_job", str(record["class"]))
    scope.set_tag("offsider_queue", queue)
    told = {
        "jid": record["jid"],
        "job": record["class"],
        "queue": queue,
        "attempt": attempt,
        "tags": record.get("tags"),
    }
    if _sends_arguments():  # arguments are whatever users of the program have given it
        told |= {"args": shown_args(record), "kwargs": shown_kwargs(record) or None}
    scope.set_context("job", {name: value for name, value in told.items() if value is not None})


def _sends_arguments() -> bool:
    collected = sentry_sdk.get_client().options.get("data_collection")  # of newer SDKs
    if isinstance(collected, Mapping) and collected.get("provided_by_user"):
        return bool(collected.get("queues"))
    return should_send_default_pii()


def _attempt(record: Mapping[str, Any]) -> int:
    return int(record["retry_count"]) + 1 if "retry_count" in record else 0


def _data(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "messaging.system": "offsider",
        "messaging.destination.name": str(record["queue"]),
        "messaging.message.id": str(record["jid"]),
    }


def _received(record: Mapping[str, Any], queue: str) -> dict[str, Any]:
    data: dict[str, Any] = {"messaging.destination.name": queue, "messaging.message.retry.count": _attempt(record)}
    since_ms = record.get("enqueued_at")
    if type(since_ms) is int:
        data["messaging.message.receive.latency"] = max(0, clock.now_ms() - since_ms)
    return data


def _headers(record: Mapping[str, Any]) -> dict[str, str]:
    """Where it was enqueued, when its record says so in a form that can be read."""
    carried = record.get(FIELD)
    given = carried if isinstance(carried, dict) else {}
    return {name: given[name] for name in _HEADERS if isinstance(given.get(name), str)}
