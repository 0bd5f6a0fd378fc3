"""Pushes to several Redises: each job to its own, ids in order, and what a doubt or a refusal of one of them means."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from offsider import App, EnqueueUncertain, RedisRefused, clock
from offsider.client import push
from offsider.contract.middleware import ClientMiddleware
from offsider.errors import InvalidOption, PayloadTooLarge
from offsider.job.record import dumps
from offsider.testing.proxy import Proxy
from support.loops import on_loop
from support.server import Server

MakeApp = Callable[..., App]
SHARDS = {"eu": {"namespace": "eu", "queues": ["mail", "reports*"]}, "us": {"namespace": "us"}}


@pytest.fixture
def app(make_app: MakeApp) -> App:
    """One with two shards, all in one Redis, by namespace."""
    return make_app(shards=SHARDS)


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    """A way to Redis that loses replies."""
    one = Proxy(redis_url)
    yield one
    one.close()


def job_of(app: App, **options: Any) -> Any:
    @app.job(name="note", **options)
    def note(number: int) -> None:
        """Never run here."""

    return note


def waiting(raw: Any, namespace: str, queue: str = "default") -> int:
    return int(raw.llen(f"{{{namespace}}}:queue:{queue}"))


# -- where to --------------------------------------------------------------------------------------------------------


def test_the_queue_decides(app: App, raw: Any) -> None:
    note = job_of(app)
    note.enqueue(1)
    note.using(queue="mail").enqueue(2)
    note.using(queue="reports.daily", delay=60).enqueue(3)
    assert [waiting(raw, "offsider"), waiting(raw, "eu", "mail"), raw.zcard("{eu}:schedule")] == [1, 1, 1]
    assert [waiting(raw, "offsider", "mail"), raw.zcard("{offsider}:schedule")] == [0, 0]


def test_the_call_decides_before_the_queue(app: App, raw: Any) -> None:
    note = job_of(app, queue="mail")
    us = note.using(shard="us")
    us.enqueue(1)
    us.using(tags=["kept"]).enqueue(2)
    us.using(shard=None).enqueue(3)
    asyncio.run(apush(app, us))
    assert [waiting(raw, "us", "mail"), waiting(raw, "eu", "mail")] == [3, 1]


async def apush(app: App, job: Any) -> None:
    await job.aenqueue(4)
    await app.leave_loop()


def test_the_definition_decides_before_the_queue_and_nothing_of_it_is_in_the_payload(app: App, raw: Any) -> None:
    note = job_of(app, queue="mail", shard="us")
    note.enqueue(1)
    [payload] = raw.lrange("{us}:queue:mail", 0, -1)
    assert b"shard" not in payload
    assert b'"us"' not in payload


def test_middleware_decides_by_what_it_knows(app: App, raw: Any) -> None:
    class ByTenant(ClientMiddleware):
        """One that knows where a number lives."""

        def push(self, request: Any, next: Any) -> Any:
            request.shard = "us" if request.record["args"] == [1] else None
            return next(request)

    app.client_middleware.add("by tenant", ByTenant(), by="test")
    note = job_of(app)
    note.enqueue_many([(1,), (2,)])
    assert [waiting(raw, "us"), waiting(raw, "offsider")] == [1, 1]


def test_a_shard_that_nobody_knows_is_refused_where_it_is_written(app: App, make_app: MakeApp) -> None:
    note = job_of(app)
    with pytest.raises(InvalidOption, match=r"shard is 'uss': expected one of the settings' shards \(eu, us\)"):
        note.using(shard="uss")
    with pytest.raises(InvalidOption, match="Did you mean 'us'"):
        job_of(app, shard="uss")
    with pytest.raises(InvalidOption, match=r"none: add a table \[shards\.NAME\]"):
        job_of(make_app(), shard="eu")


def test_a_job_that_middleware_sends_nowhere_is_told(app: App) -> None:
    class Lost(ClientMiddleware):
        """One that is wrong."""

        def push(self, request: Any, next: Any) -> Any:
            request.shard = "mars"
            return next(request)

    app.client_middleware.add("lost", Lost(), by="test")
    with pytest.raises(InvalidOption, match="shard is 'mars'"):
        job_of(app).enqueue(1)


# -- many ------------------------------------------------------------------------------------------------------------


class Places(ClientMiddleware):
    """Sends jobs to the app's own Redis, to eu, to us, in turn; every seventh is stopped."""

    def push(self, request: Any, next: Any) -> Any:
        number = request.record["args"][0]
        request.shard = (None, "eu", "us")[number % 3]
        return None if number % 7 == 6 else next(request)


@pytest.mark.parametrize("is_async", [False, True], ids=["threads", "loop"])
def test_many_jobs_go_to_their_shards_with_their_ids_in_order(app: App, raw: Any, is_async: bool) -> None:
    app.client_middleware.add("places", Places(), by="test")
    note = job_of(app)
    jids = push_many(app, note, 100, batch_size=40, is_async=is_async)
    assert [number for number, jid in enumerate(jids) if jid is None] == list(range(6, 100, 7))
    found = {}
    for namespace in ("offsider", "eu", "us"):
        for payload in raw.lrange(f"{{{namespace}}}:queue:default", 0, -1):
            number, jid = int(payload.split(b'"args":[')[1].split(b"]")[0]), payload.split(b'"jid":"')[1][:24]
            found[number] = (jid.decode(), namespace)
    assert found == {n: (jid, ("offsider", "eu", "us")[n % 3]) for n, jid in enumerate(jids) if jid}


def push_many(app: App, note: Any, count: int, *, batch_size: int, is_async: bool) -> list[str | None]:
    calls = [(number,) for number in range(count)]

    async def act() -> Any:
        try:
            return await note.aenqueue_many(calls, batch_size=batch_size)
        finally:
            await app.leave_loop()

    return asyncio.run(act()) if is_async else note.enqueue_many(calls, batch_size=batch_size)  # type: ignore[no-any-return]


@pytest.mark.parametrize("is_async", [False, True], ids=["threads", "loop"])
def test_one_redis_in_doubt_holds_up_no_other_and_is_repeated_alone(
    make_app: MakeApp, proxy: Proxy, raw: Any, is_async: bool
) -> None:
    shards = {"eu": {"url": proxy.url, "namespace": "eu"}, "us": {"namespace": "us"}}
    app = make_app(shards=shards, redis={"push_deadline_s": 0.5})
    app.client_middleware.add("places", Places(), by="test")
    note = job_of(app)
    push_many(app, note, 3, batch_size=3, is_async=is_async)
    proxy.cut()
    with pytest.raises(EnqueueUncertain, match="shard 'eu': the job could not be enqueued") as caught:
        push_many(app, note, 12, batch_size=6, is_async=is_async)
    error = caught.value
    assert (len(error.before), len(error.jids)) == (0, 6)
    assert [waiting(raw, name) for name in ("offsider", "eu", "us")] == [1 + 2, 1, 1 + 2]
    with pytest.raises(EnqueueUncertain):
        error.again()
    proxy.mend()
    assert again(app, error, is_async) == error.jids == again(app, error, is_async)
    assert [waiting(raw, name) for name in ("offsider", "eu", "us")] == [1 + 2, 1 + 2, 1 + 2]


def again(app: App, error: EnqueueUncertain, is_async: bool) -> list[str | None]:
    async def act() -> Any:
        try:
            return await error.aagain()
        finally:
            await app.leave_loop()

    return asyncio.run(act()) if is_async else error.again()  # type: ignore[no-any-return]


def test_a_reply_that_was_lost_doubles_nothing(make_app: MakeApp, proxy: Proxy, raw: Any) -> None:
    app = make_app(shards={"eu": {"url": proxy.url, "namespace": "eu", "queues": ["*"]}})
    note = job_of(app)
    note.enqueue(1)
    proxy.lose_reply()
    assert note.enqueue_many([(2,), (3,)])
    assert waiting(raw, "eu") == 3


def test_the_batches_before_a_doubt_are_told(make_app: MakeApp, proxy: Proxy, raw: Any) -> None:
    shards = {"eu": {"url": proxy.url, "namespace": "eu", "queues": ["mail"]}}
    app = make_app(shards=shards, redis={"push_deadline_s": 0.3})
    note = job_of(app)
    proxy.cut()

    def requests() -> Iterator[Any]:
        for number in range(4):
            yield note.using(queue="mail" if number == 3 else "default").request(number)

    with pytest.raises(EnqueueUncertain) as caught:
        app.client.push_many(requests(), 2)
    assert (len(caught.value.before), len(caught.value.jids)) == (2, 2)
    assert waiting(raw, "offsider") == 3


def test_one_redis_that_refuses_is_told_with_what_the_others_have(
    make_app: MakeApp, make_server: Callable[..., Server], raw: Any
) -> None:
    full = make_server("--appendonly", "no", "--maxmemory", "1", "--maxmemory-policy", "noeviction")
    app = make_app(shards={"eu": {"url": full.url}, "us": {"namespace": "us"}})
    app.client_middleware.add("places", Places(), by="test")
    note = job_of(app)
    with pytest.raises(
        RedisRefused, match=r"shard 'eu': Redis refuses .*The other 4 jobs of this trip are in their"
    ) as caught:
        note.enqueue_many([(number,) for number in range(6)])
    assert [jid is not None for jid in caught.value.jids] == [True, False, True, True, False, True]
    assert [waiting(raw, "offsider"), waiting(raw, "us")] == [2, 2]
    with pytest.raises(RedisRefused, match=r"log$") as caught:
        note.enqueue_many([(1,), (4,)])
    assert caught.value.jids == []


@pytest.mark.parametrize("is_async", [False, True], ids=["threads", "loop"])
def test_the_batches_before_a_refusal_are_told(
    make_app: MakeApp, make_server: Callable[..., Server], is_async: bool
) -> None:
    full = make_server("--appendonly", "no", "--maxmemory", "1", "--maxmemory-policy", "noeviction")
    app = make_app(shards={"eu": {"url": full.url}})
    app.client_middleware.add("places", Places(), by="test")
    note = job_of(app)
    requests = [note.request(number) for number in (0, 3, 9, 1)]
    with pytest.raises(RedisRefused) as caught:
        push_all(app, requests, 3, is_async)
    assert (len(caught.value.before), caught.value.jids) == (3, [])


def push_all(app: App, requests: Any, size: int, is_async: bool) -> None:
    if is_async:
        on_loop(app, app.client.apush_many(requests, size))
    else:
        app.client.push_many(requests, size)


def test_on_a_loop_several_that_are_away_are_tried_at_once(make_app: MakeApp, raw: Any) -> None:
    away = {f"away{number}": {"url": "redis://127.0.0.1:1/0"} for number in range(4)}
    app = make_app(shards={**away, "here": {"namespace": "here"}}, redis={"push_deadline_s": 1.0})
    note = job_of(app)
    requests = [note.using(shard=shard).request(1) for shard in (*away, "here")]
    began_s = clock.monotonic_s()
    with pytest.raises(EnqueueUncertain, match=r"shard 'away0': .*shard 'away3': "):
        push_all(app, requests, 100, is_async=True)
    assert clock.monotonic_s() - began_s < 3, "not four seconds"
    assert waiting(raw, "here") == 1


def test_what_is_pushed_at_a_place_goes_there_and_its_name_is_remembered_there(app: App, raw: Any) -> None:
    note = job_of(app)
    requests = [note.using(queue=queue).request(1) for queue in ("mail", "default")]
    for _time in range(3):
        for place in ("us", None):
            app.client_at(place).push_once("batch-1", requests, remember_s=60)
    assert [waiting(raw, "us", "mail"), waiting(raw, "us")] == [1, 1]
    assert [waiting(raw, "offsider", "mail"), waiting(raw, "offsider")] == [1, 1]
    assert waiting(raw, "eu", "mail") == 0


@pytest.mark.parametrize("is_async", [False, True], ids=["threads", "loop"])
def test_a_job_that_cannot_be_written_refuses_its_batch_in_every_redis(
    app: App, raw: Any, monkeypatch: pytest.MonkeyPatch, is_async: bool
) -> None:
    app.client_middleware.add("places", Places(), by="test")
    monkeypatch.setattr(push, "dumps", lambda record: dumps(record, most_bytes=250))

    @app.job(name="note")
    def note(number: int, text: str = "") -> None:
        """Never run here."""

    calls = [(0,), (1,), (2, "x" * 300)]

    async def act() -> None:
        try:
            await note.aenqueue_many(calls)
        finally:
            await app.leave_loop()

    with pytest.raises(PayloadTooLarge):
        asyncio.run(act()) if is_async else note.enqueue_many(calls)
    assert [waiting(raw, name) for name in ("offsider", "eu", "us")] == [0, 0, 0]
