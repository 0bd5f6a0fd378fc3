"""One job's way between fetch and settle: every end has its place, whatever body, arguments and payload do."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import json
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from offsider import App, Cancel, Retry, Snooze
from offsider.contract.middleware import NextAsync, NextSync, ServerMiddleware
from offsider.errors import LostJob, Shutdown
from offsider.worker.worker import Worker
from support.bench import Bench, payload
from support.connections import count_named, named
from support.waiting import until

Body = Callable[[], Any]
both = pytest.mark.parametrize("kind", ["def", "async"])


def of(kind: str, body: Body) -> Callable[..., Any]:
    """The body as a ``def`` or an ``async def`` function."""

    def threaded() -> Any:
        return body()

    async def looped() -> Any:
        return body()

    return threaded if kind == "def" else looped


def raising(error: BaseException) -> Body:
    def body() -> None:
        raise error

    return body


# -- ends --------------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("result", [None, 7, "text", object()], ids=["None", "number", "text", "object"])
def test_a_job_that_returns_is_done_whatever_it_returns(bench: Bench, kind: str, result: Any) -> None:
    bench.app.job(name="job")(of(kind, lambda: result)).enqueue()
    bench.run()
    assert bench.places() == {}


@both
def test_a_failed_job_is_retried_by_the_formula_with_sidekiqs_fields(bench: Bench, kind: str) -> None:
    before_ms = int(time.time() * 1000)
    jid = bench.app.job(name="job", tags=["a"])(of(kind, raising(ValueError("boom é")))).enqueue()
    bench.run()
    assert bench.places() == {"retry": 1}
    assert 13 < bench.due_in_s("retry") < 25
    record = bench.record("retry")
    for field in ("created_at", "enqueued_at", "failed_at"):
        assert type(record[field]) is int
        assert before_ms <= record.pop(field) <= time.time() * 1000
    assert record == {
        "queue": "default",
        "class": "job",
        "args": [],
        "jid": jid,
        "retry": True,
        "tags": ["a"],
        "error_message": "boom é",
        "error_class": "ValueError",
        "retry_count": 0,
    }


@both
@pytest.mark.parametrize(
    ("retry", "places"),
    [(0, {"dead": 1}), (False, {}), (Retry(skip=(ValueError,)), {"dead": 1}), (Retry(discard=(ValueError,)), {})],
    ids=["retry=0", "retry=False", "skip", "discard"],
)
def test_a_job_without_retries_ends_at_its_first_failure(
    bench: Bench, kind: str, retry: Any, places: dict[str, int]
) -> None:
    bench.app.job(name="job", retry=retry)(of(kind, raising(ValueError("boom")))).enqueue()
    bench.run()
    assert bench.places() == places


def test_a_job_is_attempted_as_often_as_it_may_then_it_is_dead(bench: Bench) -> None:
    attempts: list[int] = []

    @bench.app.job(name="job", retry=Retry(max=2, delay=0.01))
    def job() -> None:
        attempts.append(len(attempts))
        raise ValueError("boom")

    job.enqueue()
    bench.run()
    until(lambda: bench.places() == {"dead": 1})
    record = bench.record("dead")
    assert (len(attempts), record["retry_count"]) == (3, 2)
    assert record["failed_at"] <= record["retried_at"]


def test_a_retry_goes_to_its_own_queue(bench: Bench) -> None:
    bench.app.job(name="job", retry=Retry(delay=60, queue="slow"))(of("def", raising(ValueError()))).enqueue()
    bench.run()
    assert bench.record("retry")["queue"] == "slow"
    assert 58 < bench.due_in_s("retry") <= 60


@both
@pytest.mark.parametrize("delay", [float("nan"), float("inf"), "soon", -5, 1e12, timedelta.max], ids=repr)
def test_a_job_whose_own_delay_is_no_number_is_not_lost(bench: Bench, kind: str, delay: Any) -> None:
    bench.app.job(name="job", retry=Retry(delay=lambda *_: delay))(of(kind, raising(ValueError("boom")))).enqueue()
    bench.run()
    assert bench.places() == {"retry": 1}
    assert 13 < bench.due_in_s("retry") < 25


@both
@pytest.mark.parametrize("delay", [90, timedelta(seconds=90)], ids=["seconds", "timedelta"])
def test_a_snoozed_job_is_scheduled_without_using_an_attempt(bench: Bench, kind: str, delay: Any) -> None:
    job = bench.app.job(name="job")(of(kind, lambda: Snooze(delay)))
    jid = job.enqueue()
    bench.run(payload("job", jid="j2", retry_count=3, failed_at=1, error_class="E", error_message="m"))
    records = {one["jid"]: one for one in map(json.loads, bench.members("schedule"))}
    assert bench.places() == {"schedule": 2}
    assert set(records[jid]) == {"queue", "class", "args", "jid", "retry", "created_at"}
    assert records["j2"]["retry_count"] == 3
    score = bench.raw.zscore(bench.key("schedule"), bench.members("schedule")[0])
    assert 85 < score - time.time() <= 90


@both
@pytest.mark.parametrize("delay", [float("nan"), float("inf"), "soon", None, 1e12, timedelta.max], ids=repr)
def test_a_snooze_that_is_no_duration_is_a_failure(bench: Bench, kind: str, delay: Any) -> None:
    bench.app.job(name="job")(of(kind, lambda: Snooze(delay))).enqueue()
    bench.run()
    assert bench.places() == {"retry": 1}


@both
def test_a_cancelled_job_is_done_and_no_failure(bench: Bench, kind: str) -> None:
    events: list[str] = []
    for event in ("error", "death"):
        bench.app.events.on(event, lambda *_, event=event: events.append(event))
    bench.app.job(name="job", retry=0)(of(kind, lambda: Cancel("user deleted"))).enqueue()
    bench.run()
    assert (bench.places(), events) == ({}, [])


# -- what listeners and hooks see ------------------------------------------------------------------------------------


@both
def test_listeners_hear_of_failures_and_deaths_with_the_record_and_the_error(bench: Bench, kind: str) -> None:
    heard: list[tuple[str, str, str]] = []
    for event in ("error", "death"):
        bench.app.events.on(
            event, lambda record, error, event=event: heard.append((event, record["error_message"], str(error)))
        )
    bench.app.job(name="retried")(of(kind, raising(ValueError("again")))).enqueue()
    bench.run()
    assert heard == [("error", "again", "again")]
    bench.app.job(name="dying", retry=0)(of(kind, raising(ValueError("dead"))))
    bench.run(payload("dying", retry=0))
    assert heard[1:] == [("error", "dead", "dead"), ("death", "dead", "dead")]


@both
@pytest.mark.parametrize(
    ("retry", "discarded"),
    [(0, False), (False, True), (Retry(discard=(ValueError,)), True)],
    ids=["0", "no", "discard"],
)
def test_the_jobs_own_hook_runs_at_its_death_before_the_listeners(
    bench: Bench, kind: str, retry: Any, discarded: bool
) -> None:
    told: list[tuple[str, bool]] = []
    bench.app.events.on("death", lambda record, _error: told.append(("listener", "discarded_at" in record)))

    def hook(record: dict[str, Any], error: BaseException) -> None:
        told.append(("hook", "discarded_at" in record))
        assert str(error) == "boom"

    bench.app.job(name="job", retry=retry, on_exhausted=hook)(of(kind, raising(ValueError("boom")))).enqueue()
    bench.run()
    assert told == [("hook", discarded), ("listener", discarded)]


def test_hooks_and_listeners_that_fail_are_logged_and_the_job_dies_all_the_same(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    def broken(*_: Any) -> None:
        raise RuntimeError("the hook itself is broken")

    bench.app.events.on("error", broken, by="plug-in A")
    bench.app.events.on("death", broken, by="plug-in B")
    bench.app.events.on("death", lambda *_: heard.append("the others go on"))
    bench.app.job(name="job", retry=0, on_exhausted=broken)(of("def", raising(ValueError("boom")))).enqueue()
    bench.run()
    assert (bench.places(), heard) == ({"dead": 1}, ["the others go on"])
    for word in ("plug-in A", "plug-in B", "on_exhausted hook of job job"):
        assert word in caplog.text


@both
def test_what_middleware_and_body_change_in_the_record_is_not_kept(bench: Bench, kind: str) -> None:
    class Scribbling(ServerMiddleware):
        def call(self, execution: Any, next: NextSync) -> Any:
            execution.record.update(args=["changed"], secret="x")
            return next(execution)

        async def acall(self, execution: Any, next: NextAsync) -> Any:
            return self.call(execution, lambda one: None) or await next(execution)

    bench.app.server_middleware.add("scribbling", Scribbling())
    bench.app.job(name="job")(of(kind, raising(ValueError("boom")))).enqueue()
    bench.run()
    record = bench.record("retry")
    assert record["args"] == []
    assert "secret" not in record


# -- time --------------------------------------------------------------------------------------------------------


def test_a_def_job_over_its_timeout_is_interrupted_and_retried(bench: Bench) -> None:
    ended: list[str] = []

    @bench.app.job(name="job", timeout=0.1)
    def job() -> None:
        try:
            while True:
                threading.Event().wait(0.005)
        finally:
            ended.append("cleaned up")

    jid = job.enqueue()
    bench.run()
    assert ended == ["cleaned up"]
    record = bench.record("retry")
    assert record["error_class"] == "offsider.errors.JobTimeout"
    assert record["error_message"].startswith(f"job 'job' ({jid}) ran longer than its timeout of 0.1 s")


def test_an_async_job_over_its_timeout_is_cancelled_and_retried(bench: Bench) -> None:
    ended: list[str] = []

    @bench.app.job(name="job", timeout=timedelta(seconds=0.1))
    async def job() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cleaned up")

    job.enqueue()
    bench.run()
    assert ended == ["cleaned up"]
    assert bench.record("retry")["error_class"] == "offsider.errors.JobTimeout"


@both
def test_a_timeout_error_of_the_bodys_own_is_its_own(bench: Bench, kind: str) -> None:
    bench.app.job(name="job", timeout=30)(of(kind, raising(TimeoutError("the database")))).enqueue()
    bench.run()
    record = bench.record("retry")
    assert (record["error_class"], record["error_message"]) == ("TimeoutError", "the database")


# -- control signals and other escapes ---------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError()], ids=repr
)
def test_whatever_a_body_raises_is_its_failure_and_the_worker_lives(
    bench: Bench, kind: str, error: BaseException
) -> None:
    bench.app.job(name="job")(of(kind, raising(error))).enqueue()
    bench.run()
    assert bench.places() == {"retry": 1}
    bench.app.job(name="next")(of(kind, lambda: None))
    bench.run(payload("next"))


@both
@pytest.mark.parametrize("error", [LostJob("not true"), Shutdown("not now")], ids=repr)
def test_a_control_signal_that_the_body_raises_itself_is_a_failure(
    bench: Bench, kind: str, error: BaseException
) -> None:
    bench.app.job(name="job")(of(kind, raising(error))).enqueue()
    bench.run(timeout_s=3)
    assert bench.places() == {"retry": 1}


def test_a_body_that_nests_too_deeply_is_a_failure_and_the_worker_lives(bench: Bench) -> None:
    def endless() -> None:
        endless()

    bench.app.job(name="job")(of("def", endless)).enqueue()
    bench.run()
    assert bench.record("retry")["error_class"] == "RecursionError"


@both
def test_an_error_that_cannot_even_be_shown_is_a_failure(bench: Bench, kind: str) -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

        __repr__ = __str__

    bench.app.job(name="job", backtrace=True)(of(kind, raising(Broken()))).enqueue()
    bench.run()
    assert bench.places() in ({"retry": 1}, {"quarantine": 1})


# -- isolation -----------------------------------------------------------------------------------------------------


@both
def test_what_a_body_leaves_in_context_variables_does_not_reach_the_next(bench: Bench, kind: str) -> None:
    tenant: contextvars.ContextVar[str] = contextvars.ContextVar("tenant", default="none")
    seen: list[str] = []

    def body() -> None:
        seen.append(tenant.get())
        tenant.set("acme")

    job = bench.app.job(name="job")(of(kind, body))
    job.enqueue_many([()] * 20)
    bench.run(concurrency=1)
    assert seen == ["none"] * 20


def test_annotated_types_come_back(bench: Bench) -> None:
    seen: list[Any] = []
    ident = uuid4()

    @bench.app.job(name="job")
    def job(one: UUID, *rest: UUID, named: UUID) -> None:
        seen.extend([one, *rest, named])

    job.enqueue(ident, ident, named=ident)
    bench.run()
    assert seen == [ident] * 3


def test_a_body_may_enqueue_others_from_its_thread_and_from_the_loop_and_leaves_no_connection(
    make_app: Callable[..., App],
    redis_url: str,
    raw: Any,
    start_worker: Callable[..., Worker],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench(make_app(named(redis_url)), raw, start_worker)
    ran: list[str] = []

    @bench.app.job(name="leaf")
    def leaf(word: str) -> None:
        ran.append(word)

    @bench.app.job(name="threaded")
    def threaded() -> None:
        leaf.enqueue("from a thread")

    @bench.app.job(name="looped")
    async def looped() -> None:
        await leaf.aenqueue("from the loop")
        await leaf.aenqueue_many([("many",)] * 3)

    threaded.enqueue()
    looped.enqueue()
    worker = bench.run()
    until(lambda: sorted(ran) == ["from a thread", "from the loop", *["many"] * 3])
    assert count_named(raw) > 0
    worker.stop(5)
    bench.app.close()
    try:
        until(lambda: count_named(raw) == 0, 2, "all connections are dropped")
    finally:  # one that is left shall not fail another test when the collector finds it
        monkeypatch.setattr(sys, "unraisablehook", lambda _what: None)
        gc.collect()
