"""The worker as a whole, on a real server: what runs, how much at once, and how it begins and ends."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis

from offsider import App
from offsider.errors import RedisUnavailable, SeamClosed
from offsider.worker.worker import Worker
from support.gauge import Gauge
from support.server import Server
from support.waiting import until

Start = Callable[..., Worker]
QUEUE = "{offsider}:queue:default"


def payloads(raw: Any, key: str = QUEUE) -> list[bytes]:
    """A queue, what is taken next first."""
    found: list[bytes] = raw.lrange(key, 0, -1)
    return found[::-1]


def in_flight(raw: Any) -> list[bytes]:
    """Everything that any owner holds."""
    return [value for key in raw.keys("{offsider}:inflight:*") for value in raw.hvals(key)]


# -- running -------------------------------------------------------------------------------------------------


def test_a_def_job_runs_and_nothing_is_left(app: App, start_worker: Start, raw: redis.Redis) -> None:
    ran: list[int] = []
    done = threading.Event()

    @app.job(name="add")
    def add(a: int, b: int) -> None:
        ran.append(a + b)
        done.set()

    start_worker(app)
    add.enqueue(1, 2)
    assert done.wait(10)
    assert ran == [3]
    until(lambda: not raw.keys("{offsider}:inflight:*"))


def test_def_jobs_run_on_threads_and_async_jobs_on_one_loop_side_by_side(app: App, start_worker: Start) -> None:
    together = threading.Barrier(5)
    where: dict[str, set[str]] = {"def": set(), "async": set()}

    @app.job(name="threaded")
    def threaded() -> None:
        where["def"].add(threading.current_thread().name)
        together.wait(10)

    @app.job(name="looped")
    async def looped() -> None:
        where["async"].add(threading.current_thread().name)
        await asyncio.to_thread(together.wait, 10)

    start_worker(app, concurrency=4)
    for job in (threaded, looped, threaded, looped):
        job.enqueue()
    together.wait(10)
    assert where == {"def": {"offsider-default-1", "offsider-default-2"}, "async": {"offsider-loop"}}


def test_never_more_bodies_at_once_than_the_concurrency_when_they_are_long(app: App, start_worker: Start) -> None:
    gauge, gate = Gauge(), threading.Event()

    @app.job(name="threaded")
    def threaded() -> None:
        with gauge:
            gate.wait(10)

    @app.job(name="looped")
    async def looped() -> None:
        with gauge:
            await asyncio.to_thread(gate.wait, 10)

    start_worker(app, concurrency=3)
    for _ in range(4):
        threaded.enqueue()
        looped.enqueue()
    until(lambda: gauge.now == 3)
    gate.set()
    until(lambda: gauge.left == 8)
    assert gauge.most == 3


def test_never_more_bodies_at_once_than_the_concurrency_when_they_are_short(app: App, start_worker: Start) -> None:
    """Short jobs are taken in advance: of both kinds together no more may run than of one."""
    gauge = Gauge()

    @app.job(name="threaded")
    def threaded() -> None:
        with gauge:
            threading.Event().wait(0.0002)

    @app.job(name="looped")
    async def looped() -> None:
        with gauge:
            await asyncio.sleep(0.0002)

    for _ in range(15):
        threaded.enqueue_many([()] * 40)
        looped.enqueue_many([()] * 40)
    start_worker(app, concurrency=3)
    until(lambda: gauge.left == 1200, 30)
    assert gauge.most <= 3


# -- beginning -----------------------------------------------------------------------------------------------


def test_a_worker_that_is_started_twice_runs_once(app: App, start_worker: Start, raw: Any) -> None:
    worker = start_worker(app)
    worker.start()
    assert raw.zcard("{offsider}:owners") == 1


def test_without_redis_it_does_not_start(make_app: Callable[..., App], make_server: Callable[..., Server]) -> None:
    server = make_server("--appendonly", "no")
    app = make_app(server.url)
    server.kill()
    with pytest.raises(RedisUnavailable):
        Worker(app).start()


def test_a_start_that_failed_may_be_tried_again(
    make_app: Callable[..., App], make_server: Callable[..., Server], start_worker: Start
) -> None:
    server = make_server("--appendonly", "no")
    app = make_app(server.url)
    ran = threading.Event()

    @app.job(name="note")
    def note() -> None:
        ran.set()

    server.kill()
    worker = Worker(app)
    with pytest.raises(RedisUnavailable):
        worker.start()
    server.start()
    try:
        worker.start()
        note.enqueue()
        assert ran.wait(5)
    finally:
        worker.stop(0)


def test_stopping_after_a_failed_start_takes_no_time(
    make_app: Callable[..., App], make_server: Callable[..., Server]
) -> None:
    server = make_server("--appendonly", "no")
    worker = Worker(make_app(server.url))
    server.kill()
    with pytest.raises(RedisUnavailable):
        worker.start()
    before_s = time.monotonic()
    worker.stop()
    assert time.monotonic() - before_s < 2


def test_an_error_of_a_startup_listener_stops_the_start(app: App, raw: Any) -> None:
    @app.on("startup")
    def broken() -> None:
        raise ValueError("not today")

    worker = Worker(app)
    with pytest.raises(ValueError, match="not today"):
        worker.start()
    worker.stop(0)
    assert raw.zcard("{offsider}:owners") == 0


def test_what_is_registered_after_the_start_comes_too_late(app: App, start_worker: Start) -> None:
    worker = start_worker(app)
    for register in (
        lambda: worker.heartbeat_fields.add("x", lambda: 1, by="me"),
        lambda: worker.services.add("x", worker.heartbeat, by="me"),
        lambda: worker.fetcher.fill(None, by="me"),
        lambda: worker.server_middleware.add("x", None, by="me"),  # type: ignore[arg-type]
    ):
        with pytest.raises(SeamClosed, match="me registers"):
            register()


def test_a_life_is_told_in_order_to_listeners(app: App, start_worker: Start, raw: Any) -> None:
    told: list[str] = []
    for event in ("startup", "quiet", "shutdown", "exit"):
        app.events.on(event, lambda event=event: told.append(event))
    worker = start_worker(app)
    worker.quiet()
    assert told == ["startup", "quiet"]
    worker.stop()
    worker.stop()
    worker.quiet()
    assert told == ["startup", "quiet", "shutdown", "exit"]


# -- ending --------------------------------------------------------------------------------------------------


def test_a_worker_that_never_started_stops(app: App) -> None:
    worker = Worker(app)
    worker.stop()
    worker.start()
    assert worker.busy() == 0, "what was stopped does not start any more"


def test_a_quiet_worker_ends_what_runs_and_takes_no_more(app: App, start_worker: Start, raw: Any) -> None:
    started, gate, ended = threading.Event(), threading.Event(), threading.Event()

    @app.job(name="hold")
    def hold() -> None:
        started.set()
        gate.wait(10)
        ended.set()

    worker = start_worker(app, concurrency=1)
    hold.enqueue()
    assert started.wait(10)
    worker.quiet()
    hold.enqueue()
    gate.set()
    assert ended.wait(10)
    until(lambda: not in_flight(raw))
    assert len(payloads(raw)) == 1


def test_stopping_waits_for_running_jobs_and_hands_nothing_back(app: App, start_worker: Start, raw: Any) -> None:
    both, gate = threading.Barrier(3), threading.Event()
    ended: list[str] = []

    @app.job(name="threaded")
    def threaded() -> None:
        both.wait(10)
        gate.wait(10)
        ended.append("def")

    @app.job(name="looped")
    async def looped() -> None:
        await asyncio.to_thread(both.wait, 10)
        await asyncio.to_thread(gate.wait, 10)
        ended.append("async")

    worker = start_worker(app)
    threaded.enqueue()
    looped.enqueue()
    both.wait(10)
    timer = threading.Timer(0.1, gate.set)
    timer.start()
    worker.stop(10)
    assert sorted(ended) == ["async", "def"]
    assert (payloads(raw), in_flight(raw), raw.zcard("{offsider}:owners")) == ([], [], 0)


def test_a_job_over_the_grace_is_handed_back_unchanged_and_runs_again_elsewhere(
    make_app: Callable[..., App], start_worker: Start, raw: Any
) -> None:
    both = threading.Barrier(3)
    stopped: list[str] = []
    attempts: list[str] = []
    first, second = make_app(), make_app()

    @first.job(name="threaded")
    def threaded() -> None:
        both.wait(10)
        try:
            while True:
                threading.Event().wait(0.005)
        except BaseException as error:
            stopped.append(type(error).__name__)
            raise

    @first.job(name="looped")
    async def looped() -> None:
        await asyncio.to_thread(both.wait, 10)
        try:
            await asyncio.sleep(60)
        except BaseException as error:
            stopped.append(type(error).__name__)
            raise

    for name in ("threaded", "looped"):
        second.job(name=name)(_noting(attempts, name))
    worker = start_worker(first)
    jids = {threaded.enqueue(), looped.enqueue()}
    both.wait(10)
    before = set(in_flight(raw))
    worker.stop(0)
    assert sorted(stopped) == ["CancelledError", "Shutdown"]
    assert set(payloads(raw)) == before, "the same bytes: no attempt was used"
    assert {json.loads(one)["jid"] for one in before} == jids
    start_worker(second)
    until(lambda: sorted(attempts) == ["looped", "threaded"])


def _noting(attempts: list[str], name: str) -> Callable[[], None]:
    def body() -> None:
        attempts.append(name)

    return body


def test_jobs_that_have_not_begun_are_handed_back_in_their_order(app: App, start_worker: Start, raw: Any) -> None:
    started, gate = threading.Event(), threading.Event()

    @app.job(name="hold")
    def hold(number: int) -> None:
        if number == 3:
            started.set()
            gate.wait(10)

    worker = start_worker(app, concurrency=1)
    hold.enqueue_many([(number,) for number in range(30)])
    assert started.wait(10)
    worker.quiet()
    gate.set()
    worker.stop(10)
    assert [json.loads(one)["args"][0] for one in payloads(raw)] == list(range(4, 30))
    assert in_flight(raw) == []


def test_the_grace_ends_early_when_somebody_is_in_a_hurry(app: App, start_worker: Start, raw: Any) -> None:
    started = threading.Event()

    @app.job(name="hold")
    def hold() -> None:
        started.set()
        while True:
            threading.Event().wait(0.005)

    worker = start_worker(app)
    hold.enqueue()
    assert started.wait(10)
    timer = threading.Timer(0.1, worker.hurry)
    timer.start()
    worker.stop(60)
    assert len(payloads(raw)) == 1


def test_signals_through_redis_are_obeyed_where_nobody_listens_for_real_ones(
    app: App, start_worker: Start, raw: Any, caplog: pytest.LogCaptureFixture
) -> None:
    exited = threading.Event()
    app.events.on("exit", exited.set)
    worker = start_worker(app)
    key = f"{{offsider}}:{worker.identity}-signals"
    with caplog.at_level("WARNING", "offsider.worker"):
        raw.lpush(key, "TTIN")
        until(lambda: "Thread MainThread" in caplog.text)
    raw.lpush(key, "TSTP")
    until(lambda: all(capsule.quieted for capsule in worker.capsules.values()))
    assert not exited.is_set()
    raw.lpush(key, "TERM")
    assert exited.wait(10)
    assert raw.smembers("{offsider}:processes") == set()


# -- health --------------------------------------------------------------------------------------------------


def test_a_worker_that_cannot_reach_redis_for_too_long_gives_up(
    make_app: Callable[..., App], make_server: Callable[..., Server], start_worker: Start
) -> None:
    server = make_server("--appendonly", "no")
    worker = start_worker(make_app(server.url, worker={"give_up_s": 0.5}))
    assert worker.healthy()
    server.kill()
    assert worker.failed.wait(15)
    assert not worker.healthy()
