"""Pushes without an answer are given to whoever keeps them, complete; without a keeper nothing changes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from offsider import App, EnqueueUncertain
from offsider.client.keeping import KeepingClient
from offsider.client.trip import LANE_S
from offsider.contract.undelivered import FORM, Undelivered, nobody
from offsider.errors import NotKept, RedisRefused, RedisUnavailable, SeamClosed
from offsider.store.connection import Connections
from offsider.store.scripts import Script
from offsider.testing.proxy import Proxy
from support.loops import on_loop
from support.server import Server, free_port

Make = Callable[..., App]
REMEMBER_S = 7200
MANY = 1000
ECHO = Script.of("echo", "return {KEYS[1], ARGV[1]}")
BROKEN = Script.of("broken", "return redis.call('INCR', KEYS[1])")


class Shelf:
    """A keeper in memory."""

    def __init__(self) -> None:
        self.patience_s: float | None = 0.3
        self.remember_s = REMEMBER_S
        self.holds = False
        self.kept: list[Undelivered] = []
        self.places: list[str] = []
        self.refuses = ""
        self.closed = 0

    def make(self, _app: Any, _connections: Any, keys: Any) -> Shelf:
        self.places.append(keys.prefix)
        return self

    def keep(self, push: Undelivered) -> None:
        if self.refuses:
            raise NotKept(self.refuses)
        self.kept.append(push)

    async def akeep(self, push: Undelivered) -> None:
        self.keep(push)

    def close(self) -> None:
        self.closed += 1

    def deliver(self, app: App) -> list[int]:
        """What the script says to each."""
        wire = app.connections.wire("shelf", read_timeout_s=5)
        replies = [wire.run(app.scripts["push"], push.keys, push.words) for push in self.kept]
        wire.close()
        return replies


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    """A way to the server that loses things."""
    one = Proxy(redis_url)
    yield one
    one.close()


@pytest.fixture
def shelf() -> Shelf:
    """An empty one."""
    return Shelf()


@pytest.fixture
def app(make_app: Make, proxy: Proxy, shelf: Shelf) -> App:
    """An app whose pushes are kept there."""
    app = make_app(proxy.url, editions=[])
    app.undelivered.fill(shelf.make, by="the test")
    return app


@pytest.fixture(params=["def", "async def"])
def enqueue(request: pytest.FixtureRequest, app: App) -> Callable[..., Any]:
    """Enqueues, in both ways; ``using`` and ``many`` as they are called."""

    @app.job(name="note")
    def note(number: int) -> None:
        """Never run here."""

    def push(*numbers: int, using: dict[str, Any] | None = None, many: bool = False) -> Any:
        job: Any = note.using(**using) if using else note
        if request.param == "def":
            return job.enqueue_many([(one,) for one in numbers]) if many else job.enqueue(*numbers)
        return on_loop(app, job.aenqueue_many([(one,) for one in numbers]) if many else job.aenqueue(*numbers))

    return push


@pytest.fixture(params=["def", "async def"])
def enqueue_with_lost_replies(request: pytest.FixtureRequest, app: App, proxy: Proxy) -> Callable[[], Any]:
    """One, and on the same connection two more in one trip, whose replies are all lost."""

    @app.job(name="note")
    def note(number: int) -> None:
        """Never run here."""

    async def alater() -> None:
        await note.aenqueue(0)
        proxy.lose_reply(MANY)
        await note.aenqueue_many([(1,), (2,)])

    def later() -> None:
        note.enqueue(0)
        proxy.lose_reply(MANY)
        note.enqueue_many([(1,), (2,)])

    return later if request.param == "def" else lambda: on_loop(app, alater())


def numbers(raw: redis.Redis) -> list[int]:
    """Of the jobs of the queue, the next one first."""
    found: Any = raw.lrange("{offsider}:queue:default", 0, -1)
    return [json.loads(one)["args"][0] for one in reversed(found)]


def test_a_push_that_is_answered_is_not_kept(shelf: Shelf, enqueue: Any, raw: redis.Redis) -> None:
    enqueue(1)
    assert numbers(raw) == [1]
    assert shelf.kept == []
    assert shelf.places == ["{offsider}:"]


def test_a_push_that_never_arrived_is_kept_and_done_once(
    app: App, shelf: Shelf, enqueue: Any, proxy: Proxy, raw: redis.Redis
) -> None:
    proxy.cut()
    jid = enqueue(1)
    [push] = shelf.kept
    assert push.jids == [jid]
    assert push.jobs == 1
    proxy.mend()
    assert shelf.deliver(app) == [1]
    assert shelf.deliver(app) == [0], "its own lane knows it"
    assert numbers(raw) == [1]


def test_a_push_whose_answers_were_lost_is_in_doubt_and_is_not_done_twice_under_its_lane(
    app: App, shelf: Shelf, enqueue_with_lost_replies: Any, proxy: Proxy, raw: redis.Redis
) -> None:
    enqueue_with_lost_replies()
    proxy.lose_reply(proxy.lost - MANY)  # that is enough
    [push] = shelf.kept
    assert push.in_doubt
    assert shelf.deliver(app) == [0]
    assert numbers(raw) == [0, 1, 2]
    assert LANE_S < raw.ttl(push.keys[0]) <= REMEMBER_S  # type: ignore[operator]


def test_what_goes_behind_is_kept_without_being_tried(
    app: App, shelf: Shelf, enqueue: Any, proxy: Proxy, raw: redis.Redis
) -> None:
    shelf.holds = True
    later = enqueue(1, using={"delay": 1000})
    jids = enqueue(2, 3, many=True)
    assert numbers(raw) == []
    assert [push.jids for push in shelf.kept] == [[later], jids]
    assert not any(push.in_doubt for push in shelf.kept)
    assert len({push.keys[0] for push in shelf.kept}) == 2, "each has a lane of its own"
    assert shelf.deliver(app) == [1, 1]
    assert numbers(raw) == [2, 3]
    assert raw.zcard("{offsider}:schedule") == 1


def test_what_is_not_in_doubt_may_be_sent_under_another_lane(
    app: App, shelf: Shelf, enqueue: Any, raw: redis.Redis
) -> None:
    shelf.holds = True
    enqueue(1)
    enqueue(2)
    for number, push in enumerate(shelf.kept, 1):
        push.under(app.keys, "shelf", number, 600)
    assert shelf.deliver(app) == [1, 1]
    assert shelf.deliver(app) == [0, 0]
    assert numbers(raw) == [1, 2]
    assert raw.ttl("{offsider}:lane:shelf") == 600


def test_what_cannot_be_kept_is_told_to_the_caller_who_can_repeat_it(
    shelf: Shelf, enqueue: Any, proxy: Proxy, raw: redis.Redis
) -> None:
    shelf.refuses = "the shelf is full: deliver some"
    proxy.cut()
    with pytest.raises(EnqueueUncertain, match=r"within 0\.3 s: .*\. the shelf is full: deliver some") as caught:
        enqueue(1)
    assert isinstance(caught.value.__cause__, NotKept)
    shelf.holds = True
    with pytest.raises(EnqueueUncertain, match=r"behind others that are kept .* the shelf is full") as behind:
        enqueue(2)
    assert not behind.value.asked
    proxy.mend()
    assert behind.value.again() == behind.value.jids
    assert caught.value.again() == caught.value.again() == caught.value.jids
    assert numbers(raw) == [2, 1]


def test_a_clear_no_is_an_answer(app: App, shelf: Shelf, enqueue: Any, raw: redis.Redis) -> None:
    raw.config_set("maxmemory", 1)
    try:
        with pytest.raises(RedisRefused):
            enqueue(1)
    finally:
        raw.config_set("maxmemory", 0)
    assert shelf.kept == []


def test_the_keeper_is_closed_with_the_app(app: App, shelf: Shelf) -> None:
    assert isinstance(app.client, KeepingClient)
    app.close()
    assert shelf.closed == 1


def test_the_slot_is_closed_by_the_first_push(app: App, enqueue: Any) -> None:
    enqueue(1)
    with pytest.raises(SeamClosed):
        app.undelivered.fill(nobody, by="latecomer", over="the test")


def test_without_a_keeper_the_push_side_is_the_plain_one(make_app: Make) -> None:
    app = make_app(editions=[])
    assert type(app.client).__name__ == "Client"
    assert app.undelivered.value is nobody
    assert FORM == 1


# -- whether Redis was asked ---------------------------------------------------------------------------------------


async def ask(url: str, again: bool, proxy: Proxy | None) -> bool:
    """Whether the error of an `AsyncWire` says that Redis may have done something."""
    wire = Connections(url).awire("test", read_timeout_s=5)
    if again:
        await wire.command("PING")
    if proxy is not None:
        proxy.lose_reply(1)
    with pytest.raises(RedisUnavailable) as caught:
        await wire.command("PING")
    await wire.close()
    return caught.value.asked


def test_a_server_that_was_not_reached_has_certainly_done_nothing(proxy: Proxy) -> None:
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    for call in ("command", "run"):
        wire = Connections(nowhere).wire("test", read_timeout_s=5)
        with pytest.raises(RedisUnavailable) as caught:
            wire.command("PING") if call == "command" else wire.run(ECHO, ["k"], ["x"])
        assert not caught.value.asked
    assert not asyncio.run(ask(nowhere, False, None))


def test_a_server_whose_reply_was_lost_may_have_done_it(proxy: Proxy) -> None:
    wire = Connections(proxy.url).wire("test", read_timeout_s=5)
    wire.command("PING")
    proxy.lose_reply(1)
    with pytest.raises(RedisUnavailable) as caught:
        wire.run(ECHO, ["k"], ["x"])
    assert caught.value.asked
    assert asyncio.run(ask(proxy.url, True, proxy))
    wire.close()


def test_a_server_that_answers_not_now_has_done_nothing(make_server: Callable[..., Server]) -> None:
    server = make_server()
    raw: Any = server.client()
    raw.replicaof("127.0.0.1", free_port())
    wire = Connections(server.url).wire("test", read_timeout_s=5)
    with pytest.raises(RedisUnavailable) as caught:
        wire.run(BROKEN, ["k"], [])
    assert not caught.value.asked
    wire.close()
    raw.close()
