"""Pushes on a real Redis: in one trip, exactly once, in their order and at their time, or clearly refused."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from offsider import App, Job, clock
from offsider.errors import (
    InvalidArguments,
    InvalidOption,
    NotJson,
    PayloadTooLarge,
    RedisRefused,
)
from offsider.testing.proxy import Proxy
from support.loops import on_loop
from support.server import Server
from support.waiting import until

Make = Callable[..., App]
QUEUE = "{offsider}:queue:default"
SCHEDULE = "{offsider}:schedule"
NOWHERE = "redis://127.0.0.1:1/0"


def add(a: int, b: Any = None, *, c: Any = None) -> Any:
    """A body that never runs here."""
    return a, b, c


@pytest.fixture
def job(app: App) -> Job[..., Any]:
    """One job."""
    return app.job(name="add")(add)


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    """A way to the server that loses things."""
    one = Proxy(redis_url)
    yield one
    one.close()


def waiting(raw: redis.Redis, queue: str = "default") -> list[dict[str, Any]]:
    """The jobs of a queue, the next one first."""
    found: Any = raw.lrange(f"{{offsider}}:queue:{queue}", 0, -1)
    return [json.loads(payload) for payload in reversed(found)]


def scheduled(raw: redis.Redis) -> list[tuple[dict[str, Any], float]]:
    """The jobs of the schedule with their times, the earliest first."""
    found: Any = raw.zrange(SCHEDULE, 0, -1, withscores=True)
    return [(json.loads(payload), score) for payload, score in found]


@pytest.fixture
def trips(raw: redis.Redis) -> Callable[[], int]:
    """How many scripts were run since the last call of this."""
    raw.config_resetstat()

    def count() -> int:
        stats: Any = raw.info("commandstats")
        raw.config_resetstat()
        return sum(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("evalsha", "eval"))

    return count


# -- one -----------------------------------------------------------------------------------------------------------


def test_a_job_lies_in_its_queue_as_it_was_enqueued(app: App, job: Job[..., Any], raw: redis.Redis) -> None:
    before_ms = clock.now_ms()
    jid = job.using(queue="mail").enqueue(5, c="é")
    after_ms = clock.now_ms()
    (record,) = waiting(raw, "mail")
    assert before_ms <= record.pop("created_at") <= record.pop("enqueued_at") <= after_ms
    expected = {"queue": "mail", "class": "add", "args": [5], "kwargs": {"c": "é"}, "jid": jid, "retry": True}
    assert record == expected
    (payload,) = raw.lrange("{offsider}:queue:mail", 0, -1)  # type: ignore[misc]
    assert b" " not in payload
    assert "é".encode() in payload
    assert raw.smembers("{offsider}:queues") == {b"mail"}


def test_the_first_in_is_the_next_out(app: App, job: Job[..., Any], raw: redis.Redis) -> None:
    job.enqueue(1)
    job.enqueue_many([(2,), (3,)])
    on_loop(app, job.aenqueue(4))
    assert [one["args"] for one in waiting(raw)] == [[1], [2], [3], [4]]


@pytest.mark.parametrize("when", ["at", "delay", "spread"])
def test_a_later_job_lies_in_the_schedule_and_not_in_a_queue(
    app: App, job: Job[..., Any], raw: redis.Redis, when: str
) -> None:
    if when == "spread":
        job.enqueue_many([(1,)], spread=timedelta(hours=1))
    else:
        later: Any = {"at": datetime.now(UTC) + timedelta(hours=1)} if when == "at" else {"delay": 3600}
        job.using(**later).enqueue(1)
    ((record, score),) = scheduled(raw)
    assert "enqueued_at" not in record
    assert clock.now_s() < score <= clock.now_s() + 3600 if when == "spread" else score > clock.now_s() + 3590
    assert not raw.exists(QUEUE, "{offsider}:queues")


def test_a_time_is_kept_to_the_microsecond(app: App, job: Job[..., Any], raw: redis.Redis) -> None:
    at_s = 4_102_444_800.123457
    job.using(at=at_s).enqueue(1)
    assert scheduled(raw)[0][1] == at_s


@pytest.mark.parametrize(
    "past", [{"at": 0}, {"at": -5.5}, {"at": datetime(1999, 1, 1, tzinfo=UTC)}, {"delay": 0}], ids=str
)
def test_the_past_means_now(app: App, job: Job[..., Any], raw: redis.Redis, past: dict[str, Any]) -> None:
    job.using(**past).enqueue(1)
    job.using(**past).enqueue_many([(2,)])
    assert [one["args"] for one in waiting(raw)] == [[1], [2]]
    assert all("enqueued_at" in one for one in waiting(raw))
    assert scheduled(raw) == []


# -- many ----------------------------------------------------------------------------------------------------------


def test_many_jobs_are_one_trip_for_each_thousand(
    app: App, job: Job[..., Any], raw: redis.Redis, trips: Callable[[], int]
) -> None:
    job.enqueue(0)
    assert trips() == 2, "a server that does not know the script yet is told it once"
    jids = job.enqueue_many((number,) for number in range(1, 2501))
    assert trips() == 3
    found = waiting(raw)
    assert [one["jid"] for one in found[1:]] == jids
    assert [one["args"] for one in found] == [[number] for number in range(2501)]
    assert len(set(jids)) == 2500
    on_loop(app, job.aenqueue_many([(number,) for number in range(30)], batch_size=10))
    assert trips() == 3
    assert raw.llen(QUEUE) == 2531


def test_a_generator_is_read_batch_by_batch(app: App, job: Job[..., Any], raw: redis.Redis) -> None:
    seen: list[Any] = []

    def calls() -> Iterator[tuple[int]]:
        for number in range(6):
            seen.append(raw.llen(QUEUE))
            yield (number,)

    assert len(job.enqueue_many(calls(), batch_size=2)) == 6
    assert seen == [0, 0, 2, 2, 4, 4]


def test_jobs_of_one_trip_may_be_due_at_different_times(
    app: App, job: Job[..., Any], raw: redis.Redis, trips: Callable[[], int]
) -> None:
    job.enqueue(0)
    trips()
    later_s = clock.now_s() + 100
    jids = job.enqueue_many(
        [(1,), (2,), {"a": 3}, (4,)], at=[later_s, 0, later_s + 1, datetime(2001, 1, 1, tzinfo=UTC)]
    )
    assert trips() == 1
    assert [one["jid"] for one in waiting(raw)[1:]] == [jids[1], jids[3]]
    assert [(one["jid"], at_s) for one, at_s in scheduled(raw)] == [(jids[0], later_s), (jids[2], later_s + 1)]


def test_a_batch_with_a_call_that_does_not_fit_puts_nothing_of_it(
    app: App, job: Job[..., Any], raw: redis.Redis
) -> None:
    with pytest.raises(InvalidArguments):
        job.enqueue_many([(1,), (2,), ("3",), (4,)], batch_size=2)
    assert [one["args"] for one in waiting(raw)] == [[1], [2]]
    with pytest.raises(NotJson):
        job.enqueue_many([(5,), (6, {7})])
    with pytest.raises(InvalidOption):
        job.enqueue_many([(8,), 9])  # type: ignore[list-item]
    assert raw.llen(QUEUE) == 2


def test_a_payload_over_1_mb_is_warned_of_and_over_16_mb_puts_nothing_of_its_batch(
    app: App, job: Job[..., Any], raw: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "offsider.client"):
        jid = job.enqueue(1, "x" * 1_000_001)
        job.enqueue(1, "x" * 900_000)
    (line,) = caplog.messages
    assert line.startswith(f"job add ({jid}) has 1000")
    assert "Keep the data elsewhere and enqueue its key" in line
    with pytest.raises(PayloadTooLarge):
        job.enqueue_many([(1,), (2, "x" * 16_000_001)])
    assert raw.llen(QUEUE) == 2


# -- trouble -------------------------------------------------------------------------------------------------------


def test_a_push_whose_reply_was_lost_is_repeated_and_puts_nothing_twice(
    make_app: Make, proxy: Proxy, raw: redis.Redis
) -> None:
    app = make_app(proxy.url)
    job = app.job(name="add")(add)
    job.enqueue(0)
    proxy.lose_reply(3)
    jid = job.enqueue(1)
    proxy.lose_reply(1)
    jids = job.enqueue_many([(2,), (3,)])
    proxy.lose_reply(1)
    later = job.using(delay=100).enqueue(4)
    proxy.lose_reply(2)
    last = on_loop(app, job.aenqueue(5))
    assert proxy.lost == 7
    assert [one["jid"] for one in waiting(raw)[1:]] == [jid, *jids, last]
    assert [one["jid"] for one, _at_s in scheduled(raw)] == [later]


def test_a_push_that_arrives_late_puts_nothing_twice(make_app: Make, proxy: Proxy, raw: redis.Redis) -> None:
    app = make_app(proxy.url)
    job = app.job(name="add")(add)
    job.enqueue(0)
    proxy.hold_request()
    jids = [job.enqueue(1), job.enqueue(2)]
    proxy.deliver()
    assert [one["jid"] for one in waiting(raw)[1:]] == jids


def test_a_connection_that_was_killed_is_opened_anew(app: App, job: Job[..., Any], raw: redis.Redis) -> None:
    for number in range(3):
        job.enqueue(number)
        raw.client_kill_filter(_type="normal", skipme=True)
    assert [one["args"] for one in waiting(raw)] == [[0], [1], [2]]


def test_a_server_that_forgot_the_script_is_told_it_again(
    app: App, job: Job[..., Any], raw: redis.Redis, trips: Callable[[], int]
) -> None:
    job.enqueue(1)
    raw.script_flush()
    trips()
    job.enqueue(2)
    on_loop(app, job.aenqueue(3))
    assert trips() == 3
    assert raw.llen(QUEUE) == 3


def test_a_full_redis_says_a_clear_no_at_once_and_takes_nothing_of_a_batch(
    make_app: Make, make_server: Callable[..., Server]
) -> None:
    server = make_server("--appendonly", "no")
    app = make_app(server.url)
    job = app.job(name="add")(add)
    raw = server.client()
    raw.config_set("maxmemory", 1)
    began_s = time.monotonic()
    for push in (
        lambda: job.enqueue(1),
        lambda: job.enqueue_many([(1,), (2,)], at=[None or 0, 9e9]),
        lambda: on_loop(app, job.aenqueue(1)),
        lambda: on_loop(app, job.aenqueue_many([(1,), (2,)])),
        lambda: job.using(delay=60).enqueue(1),
    ):
        with pytest.raises(RedisRefused, match=r"Redis refuses .*; nothing was changed\. Look at `INFO memory`"):
            push()
    assert time.monotonic() - began_s < 5
    assert raw.dbsize() == 0
    raw.config_set("maxmemory", 0)
    assert job.enqueue(2)
    assert [one["args"] for one in waiting(raw)] == [[2]]
    raw.close()


@pytest.mark.parametrize("is_async", [False, True], ids=["threads", "loop"])
def test_the_batches_before_a_refusal_are_told(make_app: Make, raw: redis.Redis, is_async: bool) -> None:
    app = make_app()
    job = app.job(name="add")(add)

    def requests() -> Iterator[Any]:
        yield from (job.request(1), job.request(2))
        raw.config_set("maxmemory", 1)
        yield job.request(3)

    try:
        with pytest.raises(RedisRefused) as caught:
            on_loop(app, app.client.apush_many(requests(), 2)) if is_async else app.client.push_many(requests(), 2)
        assert len(caught.value.before) == 2
    finally:
        raw.config_set("maxmemory", 0)
    assert raw.llen(app.keys.queue("default")) == 2


def test_a_refusal_by_password_or_rights_is_no_reason_to_wait(
    make_app: Make, make_server: Callable[..., Server]
) -> None:
    server = make_server()
    raw = server.client()
    raw.config_set("requirepass", "secret")
    app = make_app(server.url)
    job = app.job(name="add")(add)
    with pytest.raises(RedisRefused):
        job.enqueue(1)
    good = make_app(server.url.replace("redis://", "redis://:secret@")).job(name="add")(add)
    assert good.enqueue(1)
    raw.close()


def test_a_cancelled_push_leaves_no_answer_for_the_next(make_app: Make, redis_url: str, raw: redis.Redis) -> None:
    app = make_app()
    job = app.job(name="add")(add)

    def sent() -> bool:
        found: Any = raw.client_list()
        return any(one["cmd"] == "evalsha" for one in found)

    async def cancelled() -> list[str | None]:
        await job.aenqueue(0)
        raw.client_pause(60_000, all=False)
        try:
            push = asyncio.create_task(job.aenqueue_many([(1,), (2,)]))
            await asyncio.to_thread(until, sent)
            push.cancel()
            with pytest.raises(asyncio.CancelledError):
                await push
        finally:
            raw.client_unpause()
        return [await job.aenqueue(number) for number in (3, 4)]

    jids = on_loop(app, cancelled())
    assert [one["jid"] for one in waiting(raw) if one["args"][0] > 2] == jids


def test_a_push_with_a_name_is_made_once_by_whomever(make_app: Make, raw: redis.Redis) -> None:
    first, second = make_app(), make_app()
    requests = [first.job(name="add")(add).request(n) for n in (1, 2)]
    for app in (first, second, first):
        app.client.push_once("these two", requests, remember_s=60)
    first.client.push_once("nothing", [], remember_s=60)
    second.client.push_once("another", [first.jobs["add"].request(3)], remember_s=60)
    assert [one["args"][0] for one in waiting(raw)] == [1, 2, 3]
    assert raw.ttl(first.keys.lane("these two")) in (59, 60)
    assert not raw.exists(first.keys.lane("nothing"))
