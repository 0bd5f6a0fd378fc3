"""Shards: what a process works for, what is looked at, and where its own pushes go."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from offsider import App, ConfigError
from offsider.worker.worker import Worker
from support.ledger import Ledger
from support.server import Server
from support.waiting import until

MakeApp = Callable[..., App]
StartWorker = Callable[..., Worker]


@pytest.fixture
def settings(make_server: Callable[..., Server]) -> dict[str, Any]:
    """Two shards: one with a Redis of its own, one with a namespace."""
    other = make_server("--appendonly", "no")
    return {"eu": {"url": other.url, "queues": ["mail", "reports*"]}, "us": {"namespace": "us"}}


def test_a_shard_is_looked_at_and_acted_on_as_the_app_is(settings: dict[str, Any], make_app: MakeApp) -> None:
    app = make_app(shards=settings)
    note = Ledger(app).note
    jid = str(note.using(queue="mail").enqueue(1))
    note.using(shard="us", delay=60).enqueue(2)
    note.enqueue(3)
    eu, us = app.shard("eu"), app.shard("us")
    assert [app.queues["mail"].size, eu.queues["mail"].size, us.queues["mail"].size] == [0, 1, 0]
    assert [len(app.scheduled), len(eu.scheduled), len(us.scheduled)] == [0, 0, 1]
    assert (app.why(jid).place, eu.why(jid).place) == ("nowhere", "queue")
    assert eu.cancel(jid)
    assert eu.queues["mail"].size == 0
    assert eu.metrics is not None
    assert app.shard("eu") is eu
    assert repr(eu) == "<Shard eu>"


def test_a_shard_that_is_none_is_told(settings: dict[str, Any], make_app: MakeApp) -> None:
    app = make_app(shards=settings)
    with pytest.raises(ConfigError, match=r"there is no shard 'euu': expected one .* \(eu, us\)\. Did you mean 'eu'"):
        app.shard("euu")
    with pytest.raises(ConfigError, match="there is no shard 'euu'"):
        app.serve("euu")


def test_a_worker_serves_one_shard_and_its_jobs_push_where_everybody_does(
    settings: dict[str, Any], make_app: MakeApp, start_worker: StartWorker
) -> None:
    producer = make_app(shards=settings)
    note = Ledger(producer).note
    note.using(shard="eu").enqueue(1)
    note.using(shard="us").enqueue(2)
    note.enqueue(3)
    app = make_app(shards=settings)
    app.serve("eu")
    served = Ledger(app)
    start_worker(app)
    served.wait_for([1])
    served.note.enqueue(4)
    served.note.using(shard="us").enqueue(5)
    served.note.using(shard="eu").enqueue(6)
    served.wait_for([6])
    assert sorted(served.ran) == [1, 6]
    assert [producer.queues["default"].size, producer.shard("us").queues["default"].size] == [2, 2]
    assert app.url == producer.shard("eu").settings.redis.url
    assert app.why(str(served.note.using(shard="eu", delay=60).enqueue(7))).place == "schedule"


def test_retries_stay_in_their_shard(
    settings: dict[str, Any], make_app: MakeApp, start_worker: StartWorker, raw: Any
) -> None:
    app = make_app(shards=settings)
    app.serve("us")
    failing = app.job(name="fail", shard="us")(fail)
    app.on("error")(lambda _record, _error: None)
    failing.enqueue()
    worker = start_worker(app)
    until(lambda: len(app.retries) == 1, 15, "the retry waits")
    worker.stop(1)
    assert [raw.zcard("{us}:retry"), raw.zcard("{offsider}:retry")] == [1, 0]


def fail() -> None:
    raise ValueError("on purpose")


def test_to_serve_a_shard_comes_before_the_first_connection(settings: dict[str, Any], make_app: MakeApp) -> None:
    app = make_app(shards=settings)
    Ledger(app).note.enqueue(1)
    with pytest.raises(ConfigError, match=r"app\.serve\('eu'\) comes too late"):
        app.serve("eu")


def test_an_app_that_is_closed_opens_all_of_them_again(settings: dict[str, Any], make_app: MakeApp) -> None:
    app = make_app(shards=settings)
    note = Ledger(app).note
    for number in (1, 2):
        note.using(queue="mail").enqueue(number)
        assert app.shard("eu").queues["mail"].size == number
        app.close()


@pytest.mark.parametrize("shards", [{}, {"eu": {"namespace": "eu"}}], ids=["one Redis", "shards"])
def test_threads_that_push_first_at_the_same_moment_have_the_same_ways_to_redis(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, shards: dict[str, Any]
) -> None:
    app, both = make_app(shards=shards), threading.Barrier(2)
    connect, push_side = app.connect, app.push_side

    def at_once(make: Callable[..., Any]) -> Callable[..., Any]:
        def made(*given: Any) -> Any:
            found = make(*given)
            both.wait(10)
            return found

        return made

    monkeypatch.setattr(app, "connect", at_once(connect))
    monkeypatch.setattr(app, "push_side", at_once(push_side))
    with ThreadPoolExecutor(2) as pool:
        for place in (None, *shards):
            first, second = pool.map(app.client_at, [place, place])
            assert first is second
