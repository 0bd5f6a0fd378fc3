"""After a commit nobody has its jobs any more: whatever Redis does, the error that is raised repeats what is left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from offsider import App, EnqueueUncertain
from offsider.errors import TooFewCopies
from offsider.integrations.pushes import Pushes
from offsider.job.define import BATCH
from offsider.job.push import PushRequest
from offsider.testing.proxy import Proxy

MakeApp = Callable[..., App]
MANY = 2 * BATCH + 500


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    """Between some app and Redis."""
    with closing(Proxy(redis_url)) as made:
        yield made


def accepted(app: App, count: int) -> list[PushRequest]:
    """What a transaction of this app has enqueued."""
    if "note" not in app.jobs:
        app.job(name="note", queue="notes")(lambda n: None)
    requests = [app.accept(app.jobs["note"].request(n)) for n in range(count)]
    return [request for request in requests if request is not None]


def waiting(app: App, raw: Any) -> int:
    """How many jobs are in Redis."""
    return int(raw.llen(app.keys.queue("notes")))


def test_more_than_one_trip_holds_is_in_doubt_as_a_whole_and_repeated_as_a_whole(
    make_app: MakeApp, proxy: Proxy, raw: Any
) -> None:
    app = make_app(proxy.url, redis={"push_deadline_s": 0.1})
    requests = accepted(app, MANY)
    proxy.cut()
    with pytest.raises(EnqueueUncertain) as caught:
        Pushes([(app, requests)]).go()
    with pytest.raises(EnqueueUncertain):
        caught.value.again()
    proxy.mend()
    jids = [request.record["jid"] for request in requests]
    assert caught.value.jids == jids
    for _time in range(2):
        assert caught.value.again() == jids
    assert waiting(app, raw) == MANY


def test_on_an_event_loop_it_is_the_same(make_app: MakeApp, proxy: Proxy, raw: Any) -> None:
    app = make_app(proxy.url, redis={"push_deadline_s": 0.1})
    requests = accepted(app, BATCH + 1)

    async def commit() -> None:
        proxy.cut()
        with pytest.raises(EnqueueUncertain) as caught:
            await Pushes([(app, requests)]).ago()
        proxy.mend()
        assert await caught.value.aagain() == [request.record["jid"] for request in requests]
        await app.leave_loop()

    asyncio.run(commit())
    assert waiting(app, raw) == BATCH + 1


def test_a_trip_whose_answer_was_lost_is_not_made_twice(make_app: MakeApp, proxy: Proxy, raw: Any) -> None:
    app = make_app(proxy.url)
    Pushes([(app, accepted(app, 1))]).go()
    proxy.lose_reply()
    Pushes([(app, accepted(app, MANY))]).go()
    assert proxy.lost == 1
    assert waiting(app, raw) == MANY + 1


def test_an_app_that_is_away_or_refused_holds_up_no_other(make_app: MakeApp, proxy: Proxy, raw: Any) -> None:
    away = make_app(proxy.url, namespace="away", redis={"push_deadline_s": 0.1})
    refused, there = make_app(namespace="refused"), make_app(namespace="there")
    entries = [(app, accepted(app, 2)) for app in (away, refused, there)]
    raw.set(refused.keys.queue("notes"), "somebody else's")
    proxy.cut()
    with pytest.raises(EnqueueUncertain, match=r"could not be enqueued.*; .*WRONGTYPE") as caught:
        Pushes(entries).go()
    assert waiting(there, raw) == 2
    proxy.mend()
    with pytest.raises(Exception, match="WRONGTYPE"):
        caught.value.again()
    assert waiting(away, raw) == 2
    raw.delete(refused.keys.queue("notes"))
    assert len(caught.value.again()) == 6
    assert [waiting(app, raw) for app in (away, refused, there)] == [2, 2, 2]


def test_too_few_copies_of_one_trip_do_not_hold_up_the_next(make_app: MakeApp, raw: Any) -> None:
    app = make_app(redis={"push_deadline_s": 0.1})
    requests = accepted(app, BATCH + 1)
    requests[0].copies = 1  # of a Redis that has no replica
    pushes = Pushes([(app, requests)])
    with pytest.raises(TooFewCopies):
        pushes.go()
    assert waiting(app, raw) == BATCH + 1
    assert len(pushes.go()) == BATCH + 1
    assert waiting(app, raw) == BATCH + 1
