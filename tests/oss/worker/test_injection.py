"""What a running job is told of itself."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from offsider import CONTEXT, App, Context, Retry
from offsider.contract.middleware import NextSync, ServerMiddleware
from offsider.worker.worker import Worker
from support.bench import Bench, payload
from support.waiting import until

Start = Callable[..., Worker]


@pytest.mark.parametrize("kind", ["def", "async"])
def test_a_job_is_told_who_it_is(bench: Bench, kind: str) -> None:
    seen: list[Context] = []

    def threaded(word: str, ctx: Context = CONTEXT) -> None:
        seen.append(ctx)

    async def looped(word: str, ctx: Context = CONTEXT) -> None:
        seen.append(ctx)

    before_ms = int(time.time() * 1000)
    job = bench.app.job(name="job", tags=["a", "b"])(threaded if kind == "def" else looped)
    jid = job.enqueue("x")
    bench.run()
    (ctx,) = seen
    assert (ctx.jid, ctx.name, ctx.queue, ctx.attempt, ctx.tags) == (jid, "job", "default", 0, ("a", "b"))
    assert before_ms <= (ctx.enqueued_ms or 0) <= time.time() * 1000


def test_it_is_filled_in_wherever_the_signature_has_it(bench: Bench) -> None:
    seen: list[tuple[Any, ...]] = []

    @bench.app.job(name="first")
    def first(ctx: Context, a: int, b: int = 2) -> None:
        seen.append((a, b, ctx.name))

    @bench.app.job(name="keyword")
    def keyword(a: int, *, b: int = 2, ctx: Context = CONTEXT) -> None:
        seen.append((a, b, ctx.name))

    @bench.app.job(name="middle")
    def middle(a: int, ctx: Context = CONTEXT, b: int = 2) -> None:
        seen.append((a, b, ctx.name))

    for name in ("first", "keyword", "middle"):
        bench.run(payload(name, 7))
    bench.run(payload("middle", 7, 8), payload("middle", 7, kwargs={"b": 9}), concurrency=1)
    until(lambda: len(seen) == 5)
    assert seen[:3] == [(7, 2, "first"), (7, 2, "keyword"), (7, 2, "middle")]
    assert sorted(seen[3:]) == [(7, 8, "middle"), (7, 9, "middle")]


@pytest.mark.parametrize(
    ("fields", "attempt"), [({}, 0), ({"retry_count": 0}, 1), ({"retry_count": 4, "failed_at": 1}, 5)]
)
def test_the_attempt_is_counted_from_zero(bench: Bench, fields: dict[str, Any], attempt: int) -> None:
    seen: list[int] = []

    @bench.app.job(name="job")
    def job(ctx: Context = CONTEXT) -> None:
        seen.append(ctx.attempt)

    bench.run(payload("job", **fields))
    assert seen == [attempt]


def test_the_attempt_and_the_id_of_a_job_that_is_retried(app: App, start_worker: Start) -> None:
    seen: list[tuple[str, int]] = []

    @app.job(name="job", retry=Retry(max=2, delay=0.01))
    def job(ctx: Context = CONTEXT) -> None:
        seen.append((ctx.jid, ctx.attempt))
        raise ValueError("boom")

    start_worker(app)
    jid = job.enqueue()
    until(lambda: len(seen) == 3)
    assert seen == [(jid, 0), (jid, 1), (jid, 2)]


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [(1755432000123, 1755432000123), (1755432000.123, 1755432000123), (None, None), ("then", None), (True, None)],
    ids=["whole milliseconds", "float seconds of version 7", "null", "text", "true"],
)
def test_both_of_sidekiqs_forms_of_a_time_are_understood(bench: Bench, stamp: Any, expected: int | None) -> None:
    seen: list[int | None] = []

    @bench.app.job(name="job")
    def job(ctx: Context = CONTEXT) -> None:
        seen.append(ctx.enqueued_ms)

    bench.run(payload("job", enqueued_at=stamp))
    assert seen == [expected]


def test_tags_of_any_kind_are_texts(bench: Bench) -> None:
    seen: list[tuple[str, ...]] = []

    @bench.app.job(name="job")
    def job(ctx: Context = CONTEXT) -> None:
        seen.append(ctx.tags)

    bench.run(payload("job", tags=["a", 7, None]), payload("job", tags=None))
    until(lambda: len(seen) == 2)
    assert set(seen) == {("a", "7", "None"), ()}


def test_a_job_sees_that_its_process_is_about_to_stop(app: App, start_worker: Start) -> None:
    started, ended = threading.Event(), threading.Event()
    seen: list[bool] = []

    @app.job(name="rounds")
    def rounds(ctx: Context = CONTEXT) -> None:
        seen.append(ctx.stopping)
        started.set()
        until(lambda: ctx.stopping)
        ended.set()

    worker = start_worker(app)
    rounds.enqueue()
    assert started.wait(10)
    worker.quiet()
    assert ended.wait(10)
    assert seen == [False]


def test_progress_is_shown_in_the_work_set_with_the_next_beat(app: App, start_worker: Start, raw: Any) -> None:
    gate = threading.Event()

    @app.job(name="reads")
    def reads(ctx: Context = CONTEXT) -> None:
        ctx.progress(1, 4, "x" * 5000)
        gate.wait(10)
        ctx.progress(2, 4, "half")
        until(lambda: shown()[:2] == [2.0, 4.0])

    worker = start_worker(app)
    key = f"{{offsider}}:{worker.identity}:work"

    def shown() -> list[Any]:
        for entry in raw.hvals(key):
            progress: list[Any] = json.loads(entry).get("progress", [])
            return progress
        return []

    reads.enqueue()
    until(lambda: shown() == [1.0, 4.0, "x" * 1000])
    gate.set()
    until(lambda: not worker.busy())


@pytest.mark.parametrize("numbers", [(float("nan"), 1), (1, float("inf"))])
def test_a_progress_that_is_no_number_is_the_jobs_failure(bench: Bench, numbers: tuple[float, float]) -> None:
    @bench.app.job(name="job")
    def job(ctx: Context = CONTEXT) -> None:
        ctx.progress(*numbers)

    job.enqueue()
    bench.run()
    assert bench.record("retry")["error_class"] == "ValueError"


def test_the_context_is_not_part_of_the_payload(bench: Bench) -> None:
    seen: list[list[Any]] = []

    class Writing(ServerMiddleware):
        only = "sync"

        def call(self, execution: Any, next: NextSync) -> Any:
            seen.append(json.loads(json.dumps(execution.record["args"])))
            return next(execution)

    bench.app.server_middleware.add("writing", Writing())

    @bench.app.job(name="job")
    def job(a: int, ctx: Context = CONTEXT) -> None: ...

    bench.run(payload("job", 7))
    assert seen == [[7]]
