"""Cancelling by id: what waits is removed, what runs is asked to end, and no other attempt is ever meant."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from offsider import CONTEXT, App, Context, Retry, Snooze
from offsider.errors import JobCancelled
from offsider.testing.observer import Observer
from offsider.worker.worker import Worker
from support.waiting import until

Put = Callable[..., bytes]
Start = Callable[..., Worker]


def places(app: App, raw: Any) -> dict[str, int]:
    """What is left of all jobs."""
    keys = app.keys
    sizes = {name: raw.zcard(key) for name, key in (("retry", keys.retry), ("dead", keys.dead), ("set", keys.schedule))}
    sizes["queue"] = raw.llen(keys.queue("default"))
    sizes["in flight"] = sum(raw.hlen(keys.inflight(one.decode())) for one in raw.zrange(keys.owners, 0, -1))
    return {name: size for name, size in sizes.items() if size}


@pytest.fixture
def told(app: App) -> list[str]:
    """The ids that listeners of ``cancelled`` are told."""
    jids: list[str] = []
    app.events.on("cancelled", lambda record: jids.append(record["jid"]))
    app.events.on("error", lambda record, error: jids.append(f"failed: {error}"))
    return jids


# -- what waits --------------------------------------------------------------------------------------------------


def test_a_waiting_job_is_removed_once(both: App, raw: Any) -> None:
    told: list[str] = []
    both.events.on("cancelled", lambda record: told.append(record["jid"]))

    @both.job(name="job")
    def job(k: int) -> None: ...

    waiting = [str(jid) for jid in job.enqueue_many([(k,) for k in range(3)])]
    later = str(job.using(delay=100).enqueue(1))
    done = both.cancel(waiting[1])
    assert (done.place, done.removed, done.requested, bool(done)) == ("queue", True, False, True)
    assert both.cancel(later).place == "schedule"
    again = both.cancel(waiting[1])
    assert (again.place, bool(again)) == ("nowhere", False)
    assert told == [waiting[1], later]
    assert [entry.jid for entry in both.queues["default"].jobs()] == [waiting[0], waiting[2]]
    assert len(both.scheduled) == 0
    assert asyncio.run(both.acancel(waiting[0])).removed


def test_a_job_that_waits_for_its_next_attempt_is_removed_and_a_dead_one_is_not(app: App, put: Put) -> None:
    put(app.keys.retry, "j1", 4e9)
    put(app.keys.dead, "j2", 1.0)
    assert app.cancel("j1").removed
    assert (app.cancel("j2").place, bool(app.cancel("j2")), len(app.dead)) == ("dead", False, 1)


# -- what runs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("timeout", [None, 30])
def test_a_task_is_cancelled_within_a_second_and_has_not_failed(
    app: App, start_worker: Start, raw: Any, told: list[str], timeout: float | None
) -> None:
    began, ended = threading.Event(), threading.Event()

    @app.job(name="wait", timeout=timeout)
    async def wait() -> None:
        began.set()
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()

    start_worker(app)
    jid = str(wait.enqueue())
    assert began.wait(10)
    asked_s = time.monotonic()
    done = app.cancel(jid)
    assert (done.place, done.removed, done.requested) == ("in flight", False, True)
    assert ended.wait(5)
    assert time.monotonic() - asked_s < 4, "it does not wait for a heartbeat, nor for the end of the body"
    until(lambda: places(app, raw) == {}, what="it is acknowledged, not tried again")
    assert told == [jid]


@pytest.mark.parametrize("how", ["check", "cancelled", "stopping", "swallows"])
def test_a_body_that_asks_ends_as_cancelled(app: App, start_worker: Start, raw: Any, told: list[str], how: str) -> None:
    began, asked, seen = threading.Event(), threading.Event(), []

    @app.job(name="loop")
    def loop(ctx: Context = CONTEXT) -> None:
        began.set()
        assert asked.wait(10)
        until(lambda: ctx.cancelled if how != "stopping" else ctx.stopping)
        if how == "check":
            try:
                ctx.check()
            except Exception:
                seen.append("an error")
        if how == "swallows":
            with pytest.raises(JobCancelled):
                ctx.check()
            raise ValueError("it cannot go on")

    start_worker(app)
    jid = str(loop.enqueue())
    assert began.wait(10)
    assert app.cancel(jid).requested
    asked.set()
    until(lambda: places(app, raw) == {})
    until(lambda: told == [jid], what="it has ended as cancelled")
    assert seen == []


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_resumable_job_ends_at_its_next_yield(
    app: App, start_worker: Start, raw: Any, told: list[str], kind: str
) -> None:
    began, seen = threading.Event(), []

    def walk(cursor: int | None) -> Iterator[int]:
        for k in range(100_000):
            seen.append(k)
            began.set()
            yield k
            if k:
                threading.Event().wait(0.001)

    async def awalk(cursor: int | None) -> AsyncIterator[int]:
        for k in range(100_000):
            began.set()
            yield k
            await asyncio.sleep(0.001)

    job: Any = app.job(name="walk")(walk if kind == "def" else awalk)  # type: ignore[call-overload]
    start_worker(app)
    jid = str(job.enqueue())
    assert began.wait(10)
    assert app.cancel(jid).requested
    until(lambda: places(app, raw) == {})
    assert told == [jid]
    until(lambda: not raw.exists(app.keys.cursor(jid)), what="its cursor is forgotten")


@pytest.mark.parametrize("ending", ["returns", "fails", "snoozes"])
def test_a_body_that_does_not_ask_ends_as_it_ends_but_is_not_run_again(
    app: App, start_worker: Start, raw: Any, told: list[str], ending: str
) -> None:
    began, gate = threading.Event(), threading.Event()

    @app.job(name="deaf")
    def deaf() -> Snooze | None:
        began.set()
        gate.wait(10)
        if ending == "fails":
            raise ValueError("no")
        return Snooze(1) if ending == "snoozes" else None

    worker = start_worker(app)
    jid = str(deaf.enqueue())
    assert began.wait(10)
    assert app.cancel(jid).requested
    until(lambda: all(one.cancelled for one in worker.running()))
    gate.set()
    until(lambda: places(app, raw) == {})
    assert told == ([] if ending == "returns" else [jid])


def test_a_job_that_waits_in_hand_never_begins(app: App, start_worker: Start, raw: Any, told: list[str]) -> None:
    began, gate, ran = threading.Event(), threading.Event(), []

    @app.job(name="block")
    async def block() -> None:
        began.set()
        gate.wait(10)  # it holds up the loop

    @app.job(name="next")
    async def following() -> None:
        ran.append(1)

    block.enqueue()
    jid = str(following.enqueue())
    worker = start_worker(app, concurrency=2)
    assert began.wait(10)
    until(lambda: len(worker.capsules["default"].in_hand()) == 2)
    assert app.cancel(jid).requested
    until(lambda: any(one.cancelled for one in worker.capsules["default"].in_hand()))
    gate.set()
    until(lambda: places(app, raw) == {})
    assert (told, ran) == ([jid], [])


def test_a_later_attempt_is_not_cancelled(app: App, start_worker: Start, raw: Any, told: list[str]) -> None:
    attempts, began, gate = [], threading.Event(), threading.Event()

    @app.job(name="again", retry=Retry(max=3, delay=0.01))
    def again(ctx: Context = CONTEXT) -> None:
        attempts.append(ctx.attempt)
        if len(attempts) == 1:
            began.set()
            gate.wait(10)
            raise ValueError("once")
        assert not ctx.cancelled

    worker = start_worker(app)
    jid = str(again.enqueue())
    assert began.wait(10)
    (execution,) = worker.running()
    attempt = f"{worker.capsules['default'].fetcher.owner} {execution.unit.field}"
    gate.set()
    until(lambda: len(attempts) == 2)
    raw.hset(app.keys.cancels(worker.identity), attempt, jid)  # a request that comes too late
    raw.lpush(app.keys.cancels_bell(worker.identity), "1")
    until(lambda: places(app, raw) == {})
    assert told == ["failed: once"]


def test_a_job_of_a_process_that_is_gone_is_removed(app: App, start_worker: Start, raw: Any, told: list[str]) -> None:
    observer = Observer(app)
    payload = b'{"class":"job","args":[],"jid":"j1","queue":"default"}'
    raw.hset(app.keys.inflight("gone:1:a/default/1"), "1:default", payload)
    raw.zadd(app.keys.owners, {"gone:1:a/default/1": 1})
    done = app.cancel("j1")
    assert (done.place, done.removed) == ("in flight", True)
    assert observer.recover("gone:1:a/default/1") == 0
    assert (app.queues["default"].size, told) == (0, ["j1"])
    observer.close()


def test_many_running_jobs_are_cancelled_each_by_its_own_id(
    app: App, start_worker: Start, raw: Any, told: list[str]
) -> None:
    began: list[int] = []

    @app.job(name="wait")
    async def wait(k: int) -> None:
        began.append(k)
        await asyncio.sleep(30)

    start_worker(app, concurrency=20)
    jids = [str(jid) for jid in wait.enqueue_many([(k,) for k in range(20)])]
    until(lambda: len(began) == 20)
    assert all(app.cancel(jid).requested for jid in jids[::2])
    until(lambda: len(told) == 10)
    assert set(told) == set(jids[::2])
    assert places(app, raw) == {"in flight": 10}


def test_a_cancelled_attempt_is_no_failure_in_the_counters(app: App, start_worker: Start, raw: Any) -> None:
    began = threading.Event()

    @app.job(name="wait")
    async def wait() -> None:
        began.set()
        await asyncio.sleep(30)

    worker = start_worker(app)
    jid = str(wait.enqueue())
    assert began.wait(10)
    app.cancel(jid)
    until(lambda: places(app, raw) == {})
    worker.stop()
    assert app.stats.now().failed == 0
