"""Waiting for replicas: over the connection that has pushed, in time, and honest when nobody can say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from offsider import App
from offsider.client.copies import confirm
from offsider.client.trip import Trip
from offsider.contract.middleware import ClientMiddleware
from offsider.errors import RedisUnavailable, TooFewCopies
from offsider.store.connection import Connections
from offsider.store.wire import Wire
from offsider.testing.proxy import Proxy
from support.loops import on_loop

Make = Callable[..., App]


class Wants(ClientMiddleware):
    """Wants a replica to have each job."""

    def push(self, request: Any, next: Any) -> Any:
        request.copies = 1
        return next(request)


@pytest.fixture
def wire(redis_url: str) -> Iterator[Wire]:
    one = Connections(redis_url).wire("test", read_timeout_s=10)
    yield one
    one.close()


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    one = Proxy(redis_url)
    yield one
    one.close()


@pytest.fixture
def app(make_app: Make, proxy: Proxy) -> App:
    """An app whose jobs want a replica; there is none."""
    app = make_app(proxy.url, redis={"push_deadline_s": 0.3})
    app.client_middleware.add("wants", Wants())
    return app


@pytest.mark.parametrize("is_async", [False, True], ids=["def", "async def"])
def test_without_replicas_the_job_is_there_and_its_caller_is_told(app: App, raw: Any, is_async: bool) -> None:
    @app.job(name="note")
    def note(number: int) -> None:
        """Never run here."""

    with pytest.raises(TooFewCopies, match=r"the job [0-9a-f]{24} is in Redis, but 0 of 1 replicas had it") as caught:
        on_loop(app, note.aenqueue(1)) if is_async else note.enqueue(1)
    assert caught.value.found == 0
    assert raw.llen(app.keys.queue("default")) == 1


def test_a_connection_that_breaks_meanwhile_is_not_made_anew_for_the_question() -> None:
    trip = Trip(["j1"], [], [], copies=1)

    class Broken:
        """A wire that breaks after its first answer."""

        def __init__(self) -> None:
            self.asked: list[Any] = []

        def follow(self, *words: Any) -> int:
            self.asked.append(words)
            if len(self.asked) > 1:
                raise RedisUnavailable("the connection is gone")
            return 0

    broken: Any = Broken()
    with pytest.raises(TooFewCopies, match=r"on how many replicas \(wanted: 1\): the connection is gone") as caught:
        confirm(broken, trip, 5.0)
    assert caught.value.found is None
    assert [words[:2] for words in broken.asked] == [("WAIT", 1)] * 2


def test_what_follows_a_request_goes_over_its_very_connection_or_not_at_all(wire: Wire, redis_url: str) -> None:
    with pytest.raises(RedisUnavailable, match="the connection 'test' is gone"):
        wire.follow("PING")
    me = wire.command("CLIENT", "ID")
    assert wire.follow("CLIENT", "ID") == me
    wire.drop()
    with pytest.raises(RedisUnavailable, match="is gone"):
        wire.follow("CLIENT", "ID")

    async def on_a_loop() -> None:
        other = Connections(redis_url).awire("test", read_timeout_s=5)
        with pytest.raises(RedisUnavailable, match="the connection 'test' is gone"):
            await other.follow("PING")
        mine = await other.command("CLIENT", "ID")
        assert await other.follow("CLIENT", "ID") == mine
        await other.close()

    asyncio.run(on_a_loop())
