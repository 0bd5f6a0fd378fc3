"""Traces by OpenTelemetry: a span where a job is enqueued, one where it runs, and the link between them.

Only the API is used: where spans go is for the SDK that the program sets up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

try:
    from opentelemetry import context, trace
    from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError as error:
    raise ImportError("traces need the API of OpenTelemetry: pip install 'offsider[opentelemetry]'") from error

from .. import __version__
from ..contract.middleware import ClientMiddleware, NextAsync, NextPush, NextSync, ServerMiddleware
from ..contract.work import Hold, Settled
from ..job.sealing import MASK

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer, TracerProvider

    from ..app import App
    from ..job.push import PushRequest

NAME = "opentelemetry"
_W3C = TraceContextTextMapPropagator()


def instrument(app: App, *, tracer_provider: TracerProvider | None = None) -> None:
    """Trace every enqueue and every run of an app. Call it while the app is defined.

    Args:
        app: The app; one that was never given here loads nothing and pays nothing.
        tracer_provider: Makes the tracer; OpenTelemetry's global one when None.

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
    tracer = trace.get_tracer("offsider", __version__, tracer_provider)
    # Around all that an app has by now and will have: what it does is within the spans.
    app.client_middleware.add(NAME, Publishing(tracer), by=NAME, first=True)
    app.server_middleware.add(NAME, Processing(tracer), by=NAME, first=True)


class Publishing(ClientMiddleware):
    """A span for each enqueue, whose place in its trace travels with the job as ``traceparent``."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def push(self, request: PushRequest, next: NextPush) -> PushRequest | None:
        """Around the push of one job."""
        record = request.record
        name = f"send {record['queue']}"
        with self._tracer.start_as_current_span(name, kind=SpanKind.PRODUCER, attributes=_attributes(record)) as span:
            span.set_attribute("messaging.operation.type", "send")
            span.set_attribute("messaging.operation.name", "enqueue")
            carrier: dict[str, str] = {}
            _W3C.inject(carrier, context.get_current())
            record.update(carrier)
            return next(request)


class Processing(ServerMiddleware):
    """A span for each run, linked to that in which the job was enqueued.

    It begins a trace of its own: hours may lie between the two, and a trace that is hours long is none. Spans made by
    the body are within it.
    """

    only: ClassVar[str | None] = None

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def call(self, execution: Any, next: NextSync) -> Any:
        """Around a ``def`` job."""
        with self._span(execution):
            return next(execution)

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        """Around an ``async def`` job."""
        with self._span(execution):
            return await next(execution)

    @contextmanager
    def _span(self, execution: Any) -> Iterator[None]:
        record = execution.record
        attributes = _attributes(record) | {
            "messaging.destination.name": execution.queue,
            "messaging.operation.type": "process",
            "messaging.operation.name": "process",
            "offsider.job.attempt": record["retry_count"] + 1 if "retry_count" in record else 0,
        }
        with self._tracer.start_as_current_span(
            f"process {execution.queue}",
            context=context.Context(),
            kind=SpanKind.CONSUMER,
            links=_links(record),
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except Hold as held:
                span.add_event("held", {"offsider.reason": held.reason})
                raise
            except Settled as settled:
                span.add_event("stopped", {"offsider.reason": "Settled"})
                if settled.failed:
                    span.set_status(Status(StatusCode.ERROR, "it has failed elsewhere"))
                raise
            except BaseException as error:
                if execution.is_stopped_by(error):
                    span.add_event("stopped", {"offsider.reason": type(error).__name__})
                else:
                    _failed(span, error, hides=execution.job.hides(record))
                raise


def _failed(span: Span, error: BaseException, *, hides: bool) -> None:
    if not hides:
        span.record_exception(error)
    span.set_attribute("error.type", f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins."))
    told = MASK if hides else error
    span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {told}"[:500]))


def _attributes(record: Mapping[str, Any]) -> dict[str, str | int]:
    return {
        "messaging.system": "offsider",
        "messaging.destination.name": str(record["queue"]),
        "messaging.message.id": str(record["jid"]),
        "offsider.job.name": str(record["class"]),
    }


def _links(record: Mapping[str, Any]) -> list[Link]:
    """To where it was enqueued, when its record says so in a form that can be read."""
    carrier = {name: value for name in ("traceparent", "tracestate") if isinstance(value := record.get(name), str)}
    where = trace.get_current_span(_W3C.extract(carrier, context.Context())).get_span_context()
    return [Link(where)] if where.is_valid else []
