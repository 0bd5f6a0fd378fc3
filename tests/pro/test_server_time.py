"""The server's time: asked seldom, counted on the monotonic clock, bounded when Redis is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App, clock
from offsider_pro import server_time
from offsider_pro.server_time import ServerTime
from support.server import Server
from support.waiting import until


def questions(raw: Any) -> int:
    return int(raw.info("commandstats").get("cmdstat_time", {}).get("calls", 0))


def test_it_is_the_servers_and_asked_once(app: App, raw: Any) -> None:
    raw.config_resetstat()
    its = ServerTime(app)
    for _ in range(100):
        assert abs((its.now_ms() or 0) - time.time() * 1000) < 500
    assert questions(raw) == 1


def test_a_clock_that_is_set_while_it_runs_changes_nothing(app: App, step: Callable[[float], None]) -> None:
    its = ServerTime(app)
    its.now_ms()
    step(86_400)
    assert abs((its.now_ms() or 0) - time.time() * 1000) < 500


def test_after_a_sleep_of_the_machine_it_is_asked_before_it_tells(
    app: App, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    its = ServerTime(app)
    its.now_ms()
    raw.config_resetstat()
    awake_s = clock.monotonic_s
    monkeypatch.setattr(clock, "monotonic_s", lambda: awake_s() - 3600)  # it stood still for an hour
    assert abs((its.now_ms() or 0) - time.time() * 1000) < 500
    assert questions(raw) == 1


def test_an_old_answer_is_renewed_without_waiting(app: App, raw: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    its = ServerTime(app)
    its.now_ms()
    raw.config_resetstat()
    monkeypatch.setattr(server_time, "FRESH_S", 0.0)
    monkeypatch.setattr(server_time, "AGAIN_S", 0.0)
    assert its.now_ms() is not None
    until(lambda: questions(raw) >= 1, what="it asks again")


def test_the_last_answer_counts_while_redis_is_away(
    make_server: Callable[..., Server], make_app: Callable[..., App], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = make_server()
    its = ServerTime(make_app(server.url))
    its.now_ms()
    server.kill()
    monkeypatch.setattr(server_time, "FRESH_S", 0.0)
    for _ in range(3):
        assert abs((its.now_ms() or 0) - time.time() * 1000) < 500


def test_a_server_that_does_not_answer_is_waited_for_once_and_not_long(
    make_server: Callable[..., Server], make_app: Callable[..., App]
) -> None:
    server = make_server()
    its = ServerTime(make_app(server.url))
    server.freeze()
    began_s = clock.monotonic_s()
    assert its.now_ms() is None
    assert clock.monotonic_s() - began_s < 1.6
    began_s = clock.monotonic_s()
    assert [its.now_ms() for _ in range(50)] == [None] * 50
    assert clock.monotonic_s() - began_s < 1.6
    server.thaw()


def test_an_event_loop_waits_once_for_a_server_that_does_not_answer(
    make_server: Callable[..., Server], make_app: Callable[..., App], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_time, "AGAIN_S", 0.0)
    server = make_server()
    its = ServerTime(make_app(server.url))
    server.freeze()

    async def asked() -> float:
        assert its.now_ms() is None
        until(lambda: its._failed_s is not None, what="the question has failed")
        began_s = clock.monotonic_s()
        assert [its.now_ms() for _ in range(5)] == [None] * 5
        return clock.monotonic_s() - began_s

    assert asyncio.run(asked()) < 0.4
    server.thaw()
    until(lambda: its.now_ms() is not None, what="the server answers again")


def test_an_embedded_server_is_not_asked_and_not_started() -> None:
    app = App(editions=[])
    assert abs((ServerTime(app).now_ms() or 0) - time.time() * 1000) < 500
