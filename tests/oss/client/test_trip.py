"""One trip to Redis: tried until its deadline and no longer, and in doubt repeated as the very same one."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

import offsider
from offsider import App, Job
from offsider.contract.middleware import ClientMiddleware, NextPush
from offsider.errors import EnqueueUncertain, RedisUnavailable
from offsider.job.push import PushRequest
from offsider.testing.proxy import Proxy
from support.loops import on_loop
from support.server import Server

Make = Callable[..., App]
NOWHERE = "redis://127.0.0.1:1/0"
HASTY_S = 0.2
MANY = 1000


def add(a: int, b: Any = None) -> Any:
    """A body that never runs here."""
    return a, b


def waiting(raw: redis.Redis) -> list[dict[str, Any]]:
    """The jobs of the queue, the next one first."""
    found: Any = raw.lrange("{offsider}:queue:default", 0, -1)
    return [json.loads(payload) for payload in reversed(found)]


def jids(raw: redis.Redis) -> list[str]:
    """Their ids."""
    return [one["jid"] for one in waiting(raw)]


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    """A way to the server that loses things."""
    one = Proxy(redis_url)
    yield one
    one.close()


@pytest.fixture
def app(make_app: Make, proxy: Proxy) -> App:
    """An app behind it."""
    return make_app(proxy.url, redis={"push_deadline_s": 30.0})


@pytest.fixture
def job(app: App) -> Job[..., Any]:
    """One job."""
    return app.job(name="add")(add)


def doubt(app: App, push: Callable[[], Any]) -> EnqueueUncertain:
    """What a push without an answer raises; its deadline is short, that of all others long."""
    client = app.client
    client._deadline_s, before_s = HASTY_S, client._deadline_s
    try:
        with pytest.raises(EnqueueUncertain) as caught:
            push()
    finally:
        client._deadline_s = before_s
    return caught.value


# -- the deadline --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_async", [False, True], ids=["def", "async def"])
def test_without_an_answer_a_push_gives_up_at_its_deadline(make_app: Make, is_async: bool) -> None:
    app = make_app(NOWHERE, redis={"push_deadline_s": 0.4})
    job = app.job(name="add")(add)
    began_s = time.monotonic()
    with pytest.raises(RedisUnavailable) as caught:
        on_loop(app, job.aenqueue(1)) if is_async else job.enqueue(1)
    assert 0.35 < time.monotonic() - began_s < 4
    text = str(caught.value)
    assert text.startswith("the job could not be enqueued within 0.4 s: Redis is away (")
    assert "It may be in its queue if only the answer was lost: again() of this error repeats" in text


@pytest.mark.parametrize(
    ("is_async", "is_open"),
    [(False, True), (True, False)],
    ids=["def, an open connection", "async def, a new connection"],
)
def test_a_frozen_server_does_not_hold_a_push_beyond_its_deadline(
    make_app: Make, make_server: Callable[..., Server], is_async: bool, is_open: bool
) -> None:
    server = make_server()
    app = make_app(server.url, redis={"push_deadline_s": 0.5})
    job = app.job(name="add")(add)

    async def both() -> float:
        if is_open:
            await job.aenqueue(0)
        server.freeze()
        began_s = time.monotonic()
        with pytest.raises(RedisUnavailable, match=r"could not be enqueued within 0\.5 s"):
            await job.aenqueue(1) if is_async else job.enqueue(1)
        return time.monotonic() - began_s

    if is_open:
        job.enqueue(0)
    assert on_loop(app, both()) < 4


@pytest.fixture
def deaf_url() -> Iterator[str]:
    """A place that answers no request for a connection: its queue of them is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        place = listener.getsockname()
        waiting_for_it = []
        for _ in range(3):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(place)
            waiting_for_it.append(one)
        yield f"redis://127.0.0.1:{place[1]}/0"
        for one in waiting_for_it:
            one.close()


@pytest.mark.parametrize("is_async", [False, True], ids=["def", "async def"])
def test_a_place_that_answers_no_connection_does_not_hold_a_push_beyond_its_deadline(
    make_app: Make, deaf_url: str, is_async: bool
) -> None:
    app = make_app(deaf_url, redis={"push_deadline_s": 0.5})
    job = app.job(name="add")(add)
    began_s = time.monotonic()
    with pytest.raises(EnqueueUncertain):
        on_loop(app, job.aenqueue(1)) if is_async else job.enqueue(1)
    assert time.monotonic() - began_s < 4


def test_a_push_goes_on_when_a_killed_server_is_back_within_the_deadline(
    make_app: Make, make_server: Callable[..., Server]
) -> None:
    server = make_server("--appendonly", "yes", "--appendfsync", "always")
    app = make_app(server.url, redis={"push_deadline_s": 20.0})
    job = app.job(name="add")(add)
    job.enqueue(0)
    server.kill()
    done: list[str | None] = []
    pushing = threading.Thread(target=lambda: done.append(job.enqueue(1)))
    pushing.start()
    assert not done
    server.start()
    pushing.join(20)
    raw = server.client()
    assert [one["jid"] for one in waiting(raw)[1:]] == done
    raw.close()


# -- in doubt ------------------------------------------------------------------------------------------------------


def test_a_push_in_doubt_is_a_redis_that_is_away_and_can_be_caught_by_users() -> None:
    assert issubclass(EnqueueUncertain, RedisUnavailable)
    assert offsider.EnqueueUncertain is EnqueueUncertain


@pytest.fixture(params=[False, True], ids=["def", "async def"])
def again(request: pytest.FixtureRequest, app: App) -> Callable[[EnqueueUncertain], Any]:
    """Repeats a push in doubt, in both ways."""
    return lambda error: on_loop(app, error.aagain()) if request.param else error.again()


def test_a_push_that_was_done_is_not_done_by_again(
    app: App, job: Job[..., Any], proxy: Proxy, raw: redis.Redis, again: Callable[[EnqueueUncertain], Any]
) -> None:
    job.enqueue(0)
    proxy.lose_reply(MANY)
    error = doubt(app, lambda: job.enqueue(1))
    proxy.lose_reply(proxy.lost - MANY)  # that is enough
    assert jids(raw)[1:] == error.jids
    assert again(error) == again(error) == error.jids
    assert jids(raw)[1:] == error.jids


def test_a_push_that_was_not_done_is_done_once_by_again(
    app: App, job: Job[..., Any], proxy: Proxy, raw: redis.Redis, again: Callable[[EnqueueUncertain], Any]
) -> None:
    proxy.cut()
    error = doubt(app, lambda: job.enqueue(1))
    proxy.mend()
    assert jids(raw) == []
    assert again(error) == again(error) == error.jids
    assert jids(raw) == error.jids


def test_again_may_be_in_doubt_itself(
    app: App, job: Job[..., Any], proxy: Proxy, raw: redis.Redis, again: Callable[[EnqueueUncertain], Any]
) -> None:
    proxy.cut()
    first = doubt(app, lambda: job.enqueue(1))
    second = doubt(app, lambda: again(first))
    proxy.mend()
    assert again(second) == again(first) == first.jids
    assert jids(raw) == first.jids


def test_pushes_after_one_in_doubt_are_others_and_each_is_done_once(
    app: App, job: Job[..., Any], proxy: Proxy, raw: redis.Redis, again: Callable[[EnqueueUncertain], Any]
) -> None:
    zeroth = job.enqueue(0)
    proxy.cut()
    error = doubt(app, lambda: job.enqueue(1))
    proxy.mend()
    later = [job.enqueue(2), *job.enqueue_many([(3,), (4,)])]
    assert jids(raw) == [zeroth, *later]
    again(error)
    later.append(job.enqueue(5))
    again(error)
    assert sorted(jids(raw)) == sorted([zeroth, *later, *error.jids])


def test_two_in_doubt_are_not_mixed_up(
    app: App, job: Job[..., Any], proxy: Proxy, raw: redis.Redis, again: Callable[[EnqueueUncertain], Any]
) -> None:
    proxy.cut()
    errors = [doubt(app, lambda number=number: job.enqueue(number)) for number in range(2)]
    proxy.mend()
    for error in reversed(errors):
        assert again(error) == error.jids
    assert jids(raw) == errors[1].jids + errors[0].jids


@pytest.mark.parametrize("is_async", [False, True], ids=["def", "async def"])
def test_many_in_doubt_say_which_are_in_their_queues_and_which_are_not_sure(
    app: App, job: Job[..., Any], proxy: Proxy, raw: redis.Redis, is_async: bool
) -> None:
    def calls() -> Iterator[tuple[int]]:
        for number in range(9):
            if number == 5:
                proxy.cut()
                app.client._deadline_s = HASTY_S
            yield (number,)

    async def push() -> None:
        await job.aenqueue_many(calls(), batch_size=2)

    with pytest.raises(EnqueueUncertain) as caught:
        on_loop(app, push()) if is_async else job.enqueue_many(calls(), batch_size=2)
    error = caught.value
    app.client._deadline_s = 30.0
    assert jids(raw) == error.before
    assert [one["args"] for one in waiting(raw)] == [[0], [1], [2], [3]]
    proxy.mend()
    assert error.again() == error.jids
    assert [one["args"] for one in waiting(raw)] == [[0], [1], [2], [3], [4], [5]]
    assert jids(raw) == [*error.before, *error.jids]


def test_again_asks_no_middleware_and_keeps_the_places_of_stopped_jobs(
    app: App, proxy: Proxy, raw: redis.Redis
) -> None:
    asked: list[Any] = []

    class Odd(ClientMiddleware):
        def push(self, request: PushRequest, next: NextPush) -> PushRequest | None:
            asked.append(request.record["args"])
            return None if request.record["args"][0] % 2 else next(request)

    app.client_middleware.add("odd", Odd())
    job = app.job(name="add")(add)
    proxy.cut()
    error = doubt(app, lambda: job.enqueue_many([(0,), (1,), (2,)]))
    proxy.mend()
    assert [jid is None for jid in error.again()] == [False, True, False]
    assert asked == [[0], [1], [2]]
    assert jids(raw) == [jid for jid in error.jids if jid]
