"""Sentry is told of errors with their job, and of one trace from enqueue to run; of nothing while it is not set up."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

sentry_sdk = pytest.importorskip("sentry_sdk")

from sentry_sdk.transport import Transport

from offsider import App, Retry
from offsider.contract.middleware import ServerMiddleware
from offsider.contract.work import Hold, Settled, Settlement
from offsider.errors import DuplicateName, JobCancelled, JobHeld
from offsider.integrations.sentry import FIELD, instrument
from offsider.job.sealing import MASK
from offsider.worker.worker import Worker
from support.backwards import Turning
from support.waiting import until

Start = Callable[..., Worker]


class Kept(Transport):  # type: ignore[misc]
    """Keeps what would be sent."""

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self.items: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Any) -> None:
        """Events and transactions."""
        self.items += [item.payload.json for item in envelope.items if item.type in ("event", "transaction")]


class Sentry:
    """The SDK, set up for one test."""

    def __init__(self, **options: Any) -> None:
        given = {"traces_sample_rate": 1.0, "default_integrations": True, "auto_enabling_integrations": False}
        sentry_sdk.init(dsn="http://key@localhost/1", transport=Kept, **given, **options)
        self.transport: Kept = sentry_sdk.get_client().transport

    def transactions(self) -> list[dict[str, Any]]:
        """The traces that have ended here."""
        return [one for one in self.transport.items if one.get("type") == "transaction"]

    def errors(self) -> list[dict[str, Any]]:
        """The errors."""
        return [one for one in self.transport.items if one.get("type") != "transaction"]


@pytest.fixture
def set_up() -> Iterator[Callable[..., Sentry]]:
    """Sets it up; taken down after the test."""
    yield Sentry
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)
    sentry_sdk.get_isolation_scope().clear()


@pytest.fixture
def told(app: App) -> App:
    """An app of which Sentry is told."""
    instrument(app)
    return app


@pytest.mark.parametrize("style", ["def", "async def"])
def test_a_run_is_in_the_trace_of_its_enqueue(
    style: str, told: App, set_up: Callable[..., Sentry], start_worker: Start
) -> None:
    sentry = set_up()

    def body(user: int) -> None: ...

    async def abody(user: int) -> None: ...

    welcome = told.job(name="welcome", queue="mail")(body if style == "def" else abody)
    with sentry_sdk.start_transaction(op="http.server", name="request") as request:
        jid = welcome.enqueue(7)
    start_worker(told, queues=["mail"])
    until(lambda: len(sentry.transactions()) == 2)
    published, ran = sentry.transactions()
    (span,) = [one for one in published["spans"] if one["op"] == "queue.publish"]
    assert (span["description"], span["data"]["messaging.message.id"]) == ("welcome", jid)
    assert span["data"]["messaging.destination.name"] == "mail"
    trace = ran["contexts"]["trace"]
    assert trace["trace_id"] == request.trace_id
    assert trace["parent_span_id"] == span["span_id"]
    assert (ran["transaction"], trace["op"], trace["status"]) == ("welcome", "queue.process", "ok")
    data = trace["data"]
    assert (data["messaging.message.id"], data["messaging.message.retry.count"]) == (jid, 0)
    assert data["messaging.message.receive.latency"] >= 0


def fails(app: App, retry: Retry, **options: Any) -> Any:
    @app.job(name="charge", queue="money", retry=retry, **options)
    def charge(card: str) -> None:
        raise LookupError("declined")

    return charge


@pytest.mark.alone  # a link of an edition would be in the traceback
def test_a_failure_is_reported_once_with_its_job_and_without_its_arguments(
    told: App, set_up: Callable[..., Sentry], start_worker: Start
) -> None:
    sentry = set_up(include_local_variables=False)
    jid = fails(told, Retry(max=0), tags=["vip"]).enqueue("4711 1234")
    start_worker(told, queues=["money"])
    until(lambda: len(told.dead) == 1)
    (event,) = sentry.errors()
    (raised,) = event["exception"]["values"]
    assert (raised["type"], raised["value"], raised["mechanism"]["handled"]) == ("LookupError", "declined", False)
    assert [frame["function"] for frame in raised["stacktrace"]["frames"]] == ["charge"]
    assert event["contexts"]["job"] == {"jid": jid, "job": "charge", "queue": "money", "attempt": 0, "tags": ["vip"]}
    assert event["tags"]["offsider_job"] == "charge"
    assert "4711" not in str(sentry.transport.items)
    assert sentry.transactions()[-1]["contexts"]["trace"]["status"] == "internal_error"


@pytest.mark.filterwarnings("ignore:The send_default_pii option")
@pytest.mark.parametrize("option", [{"send_default_pii": True}, {"data_collection": {"queues": True}}])
def test_arguments_are_sent_by_those_who_send_personal_data(
    option: dict[str, Any], told: App, set_up: Callable[..., Sentry], start_worker: Start
) -> None:
    sentry = set_up(**option)
    fails(told, Retry(max=0)).enqueue("4711 1234")
    start_worker(told, queues=["money"])
    until(lambda: len(told.dead) == 1)
    job = sentry.errors()[0]["contexts"]["job"]
    assert job["args"] == ["4711 1234"]


@pytest.mark.parametrize("at_death", [False, True])
def test_each_failure_or_only_the_last_one(
    at_death: bool, app: App, set_up: Callable[..., Sentry], start_worker: Start
) -> None:
    sentry = set_up()
    instrument(app, at_death=at_death)
    fails(app, Retry(max=1, delay=0.01)).enqueue("4711")
    start_worker(app, queues=["money"])
    until(lambda: len(app.dead) == 1)
    until(lambda: len(sentry.errors()) == (1 if at_death else 2))
    attempts = [event["contexts"]["job"]["attempt"] for event in sentry.errors()]
    assert attempts[-1] == 1
    assert len(sentry.transactions()) == 2


def test_a_job_that_is_held_has_not_failed(told: App, set_up: Callable[..., Sentry]) -> None:
    sentry = set_up()

    class NotNow(ServerMiddleware):
        only = "sync"

        def call(self, execution: Any, next: Any) -> Any:
            raise Hold("it is night", delay_s=60)

    told.server_middleware.add("not now", NotNow(), by="the test")
    with pytest.raises(JobHeld):
        fails(told, Retry(max=0)).inline("4711")
    assert sentry.errors() == []
    assert sentry.transactions()[0]["contexts"]["trace"]["status"] == "aborted"


@pytest.mark.parametrize(
    ("signal", "status"),
    [
        (JobCancelled("on request"), "aborted"),
        (Settled(Settlement(None, "done", 0.0, None)), "aborted"),  # type: ignore[arg-type]
        (Settled(Settlement(None, "dead", 0.0, None), failed=True), "internal_error"),  # type: ignore[arg-type]
    ],
)
def test_a_run_that_was_stopped_or_ended_elsewhere_is_no_error_here(
    signal: BaseException, status: str, told: App, set_up: Callable[..., Sentry]
) -> None:
    sentry = set_up()

    @told.job
    def stopped() -> None:
        raise signal

    with pytest.raises(type(signal)):
        stopped.inline()
    assert sentry.errors() == []
    assert sentry.transactions()[0]["contexts"]["trace"]["status"] == status


def test_failures_that_are_no_errors_where_they_happen_are_reported_once(
    told: App, set_up: Callable[..., Sentry], start_worker: Start
) -> None:
    sentry, never = set_up(), threading.Event()

    @told.job(name="slow", timeout=0.05, retry=0)
    async def slow() -> None:
        await asyncio.sleep(60)

    @told.job(name="busy", timeout=0.5, retry=0)  # so long that its body has begun
    def busy() -> None:
        while True:
            never.wait(0.01)

    @told.job(name="leaves", retry=0)
    def leaves() -> None:
        sys.exit("no tea")

    for job in (slow, busy, leaves):
        job.enqueue()
    start_worker(told)
    until(lambda: len(told.dead) == 3)
    reported = sorted(
        (event["contexts"]["job"]["job"], event["exception"]["values"][-1]["type"]) for event in sentry.errors()
    )
    assert reported == [("busy", "JobTimeout"), ("leaves", "SystemExit"), ("slow", "JobTimeout")]


def test_a_trace_that_cannot_be_read_is_one_of_its_own(told: App, set_up: Callable[..., Sentry]) -> None:
    sentry = set_up()

    @told.job(name="note")
    def note() -> None: ...

    for field in ("text", {"sentry-trace": 7, "baggage": None}, {"sentry-trace": "nonsense"}):
        request = note.request()
        request.record[FIELD] = field
        told.pusher.inline(request)
    assert len({one["contexts"]["trace"]["trace_id"] for one in sentry.transactions()}) == 3


def test_where_sentry_is_not_set_up_nothing_is_done(told: App, raw: Any, start_worker: Start) -> None:
    assert not sentry_sdk.is_initialized()
    fails(told, Retry(max=0)).enqueue("4711")
    assert FIELD.encode() not in raw.lindex(told.keys.queue("money"), 0)
    start_worker(told, queues=["money"])
    until(lambda: len(told.dead) == 1)


def test_an_app_is_instrumented_once(told: App) -> None:
    with pytest.raises(DuplicateName):
        instrument(told)


def test_without_the_sdk_it_says_what_to_install() -> None:
    program = "import sys; sys.modules['sentry_sdk'] = None; import offsider.integrations.sentry"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert "pip install 'offsider[sentry]'" in done.stderr


@pytest.mark.parametrize("at_death", [False, True])
def test_of_a_sealed_job_only_the_kind_of_an_error_is_told_and_where(
    at_death: bool, make_app: Callable[..., App], set_up: Callable[..., Sentry], start_worker: Start
) -> None:
    app = make_app(editions=[Turning()])
    instrument(app, at_death=at_death)

    @app.job(name="charge", backwards=True, retry=0)
    def charge(card: str) -> None:
        raise LookupError(f"declined: {card}") from ValueError(card)

    sentry = set_up(data_collection={"queues": True})
    card = "-".join(["4111"] * 4)  # as text it would be in the lines of source that Sentry has with each frame
    charge.enqueue(card)
    start_worker(app)
    until(lambda: sentry.errors())
    (event,) = sentry.errors()
    assert [one["type"] for one in event["exception"]["values"]] == ["ValueError", "LookupError"]
    assert {one["value"] for one in event["exception"]["values"]} == {MASK}
    assert event["exception"]["values"][-1]["stacktrace"]["frames"][-1]["function"] == "charge"
    assert event["contexts"]["job"]["args"] == [MASK]
    assert card not in str(sentry.transport.items)
