"""Results are kept before their jobs are acknowledged, whatever happens to Redis between."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from offsider.errors import RedisUnavailable
from offsider.store.scripts import load
from offsider.testing.proxy import Proxy
from offsider.worker.results import KeptResult, ResultKeeper
from offsider.worker.worker import Worker
from support.waiting import until


def test_a_full_redis_loses_the_result_and_not_the_acknowledgement(
    make_app: Callable[..., App], make_server: Callable[..., Any], start_worker: Callable[..., Worker],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    server = make_server()
    app, client = make_app(server.url), server.client()
    began, gate = threading.Event(), threading.Event()

    @app.job(name="job", result_ttl=60)
    def job() -> int:
        began.set()
        gate.wait(10)
        return 7

    start_worker(app)
    job.enqueue()
    assert began.wait(10)
    client.config_set("maxmemory", 1)
    gate.set()
    until(lambda: not client.keys("*inflight*"), what="it is acknowledged")
    client.config_set("maxmemory", 0)
    assert client.keys("*result*") == []
    assert "1 results are not kept: Redis refuses" in caplog.text
    client.close()


def test_results_of_an_outage_are_kept_after_it(
    app: App, make_app: Callable[..., App], start_worker: Callable[..., Worker], raw: Any
) -> None:
    proxy = Proxy(app.url)
    through = make_app(proxy.url)
    began, gate = threading.Event(), threading.Event()

    @through.job(name="job", result_ttl=60)
    def job() -> int:
        began.set()
        gate.wait(10)
        return 7

    start_worker(through)
    jid = str(job.enqueue())
    assert began.wait(10)
    proxy.cut()
    gate.set()
    proxy.mend()
    try:
        assert app.result(jid, timeout=20).get() == 7
        until(lambda: app.job_info(jid) is None)
    finally:
        proxy.close()


def test_a_lost_reply_is_repeated_with_the_same_end(app: App, raw: Any) -> None:
    proxy = Proxy(app.url)
    keeper = ResultKeeper(App(proxy.url, editions=[]).connections, app.keys)
    results = [KeptResult(f"{k}:mail", f"j{k}", 60, b"%d" % k) for k in range(250)]
    raw.hset(app.keys.inflight("me"), mapping={one.field: "{}" for one in results})
    raw.script_load(load("keep_results").text)
    try:
        proxy.lose_reply()
        with pytest.raises(RedisUnavailable):
            keeper.keep("me", results)
        keeper.keep("me", results)
    finally:
        keeper.close()
        proxy.close()
    assert [raw.lrange(app.keys.result(f"j{k}"), 0, -1) for k in range(250)] == [[b"%d" % k] for k in range(250)]


def test_what_runs_elsewhere_by_now_is_not_kept(app: App, raw: Any, caplog: pytest.LogCaptureFixture) -> None:
    keeper = ResultKeeper(app.connections, app.keys)
    keeper.keep("me", [KeptResult("1:mail", "j1", 60, b"1")])
    keeper.close()
    assert not raw.exists(app.keys.result("j1"))
    assert "1 results are not kept: their jobs run elsewhere" in caplog.text
