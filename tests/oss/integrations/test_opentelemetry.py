"""A span where a job is enqueued, one where it runs, and the link between them; nothing where it is not set up."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk")

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from offsider import App, Retry
from offsider.contract.middleware import ServerMiddleware
from offsider.contract.work import Hold, Settled, Settlement
from offsider.errors import DuplicateName, JobCancelled, JobHeld, SeamClosed
from offsider.integrations.opentelemetry import instrument
from offsider.job.sealing import MASK
from offsider.worker.worker import Worker
from support.backwards import Turning
from support.waiting import until

Start = Callable[..., Worker]
Spans = Callable[[int], Sequence[ReadableSpan]]


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    """Keeps the spans that have ended."""
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> Iterator[TracerProvider]:
    """An SDK of the test's own."""
    one = TracerProvider()
    one.add_span_processor(SimpleSpanProcessor(exporter))
    yield one
    one.shutdown()


@pytest.fixture
def traced(app: App, provider: TracerProvider) -> App:
    """An app whose jobs are traced."""
    instrument(app, tracer_provider=provider)
    return app


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> Spans:
    """So many spans, when there are."""

    def wait(count: int) -> Sequence[ReadableSpan]:
        until(lambda: len(exporter.get_finished_spans()) >= count, what=f"{count} spans")
        return exporter.get_finished_spans()

    return wait


def kind(found: Sequence[ReadableSpan], of: SpanKind) -> list[ReadableSpan]:
    return [span for span in found if span.kind is of]


@pytest.mark.parametrize("style", ["def", "async def"])
def test_a_run_is_linked_to_its_enqueue(
    style: str, traced: App, provider: TracerProvider, spans: Spans, start_worker: Start, raw: Any
) -> None:
    tracer = provider.get_tracer("test")

    def body() -> None:
        tracer.start_span("in the body").end()

    async def abody() -> None:
        body()

    job = traced.job(name="shop.buy", queue="mail")(body if style == "def" else abody)
    with tracer.start_as_current_span("request") as request:
        jid = job.enqueue()
    start_worker(traced, queues=["mail"])
    found = spans(4)
    (sent,), (run,) = kind(found, SpanKind.PRODUCER), kind(found, SpanKind.CONSUMER)
    (inner,) = (span for span in found if span.name == "in the body")
    assert (sent.name, run.name) == ("send mail", "process mail")
    assert sent.parent is not None
    assert sent.parent.span_id == request.get_span_context().span_id
    assert [link.context.span_id for link in run.links] == [sent.context.span_id]
    assert run.parent is None, "it begins a trace of its own"
    assert inner.parent is not None
    assert inner.parent.span_id == run.context.span_id
    common = {
        "messaging.system": "offsider", "messaging.destination.name": "mail", "messaging.message.id": jid,
        "offsider.job.name": "shop.buy",
    }  # fmt: skip
    assert dict(sent.attributes or {}) == common | {
        "messaging.operation.type": "send", "messaging.operation.name": "enqueue",
    }  # fmt: skip
    assert dict(run.attributes or {}) == common | {
        "messaging.operation.type": "process", "messaging.operation.name": "process", "offsider.job.attempt": 0,
    }  # fmt: skip
    assert run.status.status_code is StatusCode.UNSET


def test_a_failure_is_in_its_span_and_its_retry_is_another_run(traced: App, spans: Spans, start_worker: Start) -> None:
    @traced.job(name="bad", retry=Retry(max=1, delay=0.05))
    def bad() -> None:
        raise ValueError("no tea")

    bad.enqueue()
    start_worker(traced)
    runs = kind(spans(3), SpanKind.CONSUMER)
    assert [(run.attributes or {})["offsider.job.attempt"] for run in runs] == [0, 1]
    for run in runs:
        assert run.status.status_code is StatusCode.ERROR
        assert run.status.description == "ValueError: no tea"
        assert (run.attributes or {})["error.type"] == "ValueError"
        assert [event.name for event in run.events] == ["exception"]
    assert len({run.context.trace_id for run in runs}) == 2
    assert len({run.links[0].context.span_id for run in runs}) == 1


def test_of_a_sealed_job_only_the_kind_of_an_error_is_told(
    make_app: Callable[..., App], provider: TracerProvider, spans: Spans, start_worker: Start
) -> None:
    app = make_app(editions=[Turning()])
    instrument(app, tracer_provider=provider)

    @app.job(name="charge", backwards=True)
    def charge(card: str) -> None:
        raise ValueError(f"declined: {card}")

    charge.enqueue("4111-1111")
    start_worker(app)
    (run,) = kind(spans(2), SpanKind.CONSUMER)
    assert run.status.description == f"ValueError: {MASK}"
    assert (run.attributes or {})["error.type"] == "ValueError"
    assert "4111-1111" not in run.to_json()


@pytest.mark.parametrize("parent", [None, "nonsense", 7, "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
def test_a_job_that_does_not_say_where_it_comes_from_has_no_link(parent: Any, traced: App, spans: Spans) -> None:
    traced.job(name="a")(lambda: None)

    class Changes(ServerMiddleware):
        """What a foreign producer may have written."""

        only = "sync"

        def call(self, execution: Any, next: Any) -> Any:
            execution.record["traceparent"] = parent
            return next(execution)

    traced.server_middleware.add("changes", Changes(), first=True)
    traced.jobs["a"].inline()
    (run,) = kind(spans(2), SpanKind.CONSUMER)
    assert not run.links


def test_a_job_that_was_held_has_not_failed(traced: App, spans: Spans) -> None:
    class Closed(ServerMiddleware):
        """Never now."""

        only = "sync"

        def call(self, execution: Any, next: Any) -> Any:
            raise Hold("closed", delay_s=5)

    traced.server_middleware.add("closed", Closed())
    job = traced.job(name="a")(lambda: None)
    with pytest.raises(JobHeld):
        job.inline()
    (run,) = kind(spans(2), SpanKind.CONSUMER)
    assert run.status.status_code is StatusCode.UNSET
    assert [event.name for event in run.events] == ["held"]


@pytest.mark.parametrize(
    ("signal", "status"),
    [
        (JobCancelled("on request"), StatusCode.UNSET),
        (Settled(Settlement(None, "done", 0.0, None)), StatusCode.UNSET),  # type: ignore[arg-type]
        (Settled(Settlement(None, "dead", 0.0, None), failed=True), StatusCode.ERROR),  # type: ignore[arg-type]
    ],
)
def test_a_run_that_was_stopped_or_ended_elsewhere_is_no_error_here(
    signal: BaseException, status: StatusCode, traced: App, spans: Spans
) -> None:
    @traced.job
    def stopped() -> None:
        raise signal

    with pytest.raises(type(signal)):
        stopped.inline()
    (run,) = kind(spans(2), SpanKind.CONSUMER)
    assert run.status.status_code is status
    assert [event.name for event in run.events] == ["stopped"]


@pytest.mark.parametrize("how", ["cancelled", "handed back", "too slow"])
def test_an_async_run_that_was_stopped_is_no_error_and_one_whose_time_was_over_is(
    traced: App, spans: Spans, start_worker: Start, how: str
) -> None:
    begun = threading.Event()

    @traced.job(name="wait", timeout=0.2 if how == "too slow" else None, retry=0)
    async def wait() -> None:
        begun.set()
        await asyncio.sleep(60)

    jid = wait.enqueue()
    worker = start_worker(traced)
    assert begun.wait(10)
    if how == "cancelled":
        traced.cancel(str(jid))
    elif how == "handed back":
        worker.stop(0.0)
    (run,) = kind(spans(2), SpanKind.CONSUMER)
    expected = (StatusCode.ERROR, "exception") if how == "too slow" else (StatusCode.UNSET, "stopped")
    assert (run.status.status_code, run.events[0].name) == expected


def test_bulk_enqueues_have_a_span_each(traced: App, spans: Spans, raw: Any) -> None:
    traced.job(name="a")(lambda: None).enqueue_many([()] * 3)
    assert len({span.context.span_id for span in kind(spans(3), SpanKind.PRODUCER)}) == 3


def test_without_an_sdk_jobs_run_as_ever(app: App) -> None:
    instrument(app, tracer_provider=trace.NoOpTracerProvider())
    seen: list[str] = []
    app.job(name="a")(lambda: seen.append("ran")).inline()
    assert seen == ["ran"]


def test_it_is_set_up_once_and_in_time(traced: App) -> None:
    with pytest.raises(DuplicateName):
        instrument(traced)
    late = App("redis://localhost:1/0", editions=[])
    late.job(name="a")(lambda: None).inline()
    with pytest.raises(SeamClosed):
        instrument(late)


def test_who_does_not_use_it_does_not_load_it() -> None:
    program = (
        "import sys, offsider, offsider.worker.worker; assert 'offsider.integrations.opentelemetry' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_without_its_package_the_message_says_what_to_install() -> None:
    program = "import sys; sys.modules['opentelemetry'] = None; import offsider.integrations.opentelemetry"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "pip install 'offsider[opentelemetry]'" in run.stderr
