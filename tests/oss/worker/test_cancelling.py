"""Requests to end running jobs: each is heard at once, about one attempt, and forgotten in the end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from offsider.worker import cancelling
from offsider.worker.worker import Worker
from support.waiting import until

Start = Callable[..., Worker]


def hold(app: App) -> tuple[Any, threading.Event]:
    began = threading.Event()

    @app.job(name="hold")
    async def body() -> None:
        began.set()
        await asyncio.sleep(30)

    return body, began


def ask(app: App, raw: Any, worker: Worker, attempt: str, jid: str) -> None:
    raw.hset(app.keys.cancels(worker.identity), attempt, jid)
    raw.lpush(app.keys.cancels_bell(worker.identity), "1")


@pytest.mark.parametrize("wrong", ["owner", "field", "jid", "garbage"])
def test_a_request_for_another_attempt_is_not_obeyed(app: App, start_worker: Start, raw: Any, wrong: str) -> None:
    body, began = hold(app)
    worker = start_worker(app)
    jid = body.enqueue()
    assert began.wait(10)
    (execution,) = worker.running()
    owner, field = worker.capsules["default"].fetcher.owner, execution.unit.field
    attempt = {"owner": f"{owner}7 {field}", "field": f"{owner} 9{field}", "garbage": "\xff"}.get(
        wrong, f"{owner} {field}"
    )
    ask(app, raw, worker, attempt, "other" if wrong == "jid" else jid)
    until(lambda: not raw.exists(app.keys.cancels_bell(worker.identity)), what="it was heard")
    ask(app, raw, worker, f"{owner} {field}", jid)
    until(lambda: execution.cancelled)
    assert wrong == "jid" or raw.hexists(app.keys.cancels(worker.identity), attempt)


def test_a_request_is_gone_once_it_is_obeyed(app: App, start_worker: Start, raw: Any) -> None:
    body, began = hold(app)
    worker = start_worker(app)
    jid = str(body.enqueue())
    assert began.wait(10)
    assert app.cancel(jid).requested
    until(lambda: not raw.exists(app.keys.cancels(worker.identity)))


def test_after_a_lost_reply_an_owner_is_known_under_its_old_and_new_name(
    app: App, start_worker: Start, raw: Any
) -> None:
    body, began = hold(app)
    worker = start_worker(app)
    jid = str(body.enqueue())
    assert began.wait(10)
    (execution,) = worker.running()
    ask(app, raw, worker, f"{worker.capsules['default'].fetcher.owner}~3 {execution.unit.field}", jid)
    until(lambda: execution.cancelled)


def test_what_is_not_in_hand_is_forgotten_in_the_end(
    app: App, start_worker: Start, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cancelling, "HOLDS_S", 0.0)
    monkeypatch.setattr(cancelling, "AGAIN_S", 0.05)
    worker = start_worker(app)
    ask(app, raw, worker, "me 1:mail", "j1")
    until(lambda: not raw.exists(app.keys.cancels(worker.identity)))


def test_a_lost_ring_costs_latency_only(
    app: App, start_worker: Start, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cancelling, "BELL_S", 0.1)
    body, began = hold(app)
    worker = start_worker(app)
    jid = body.enqueue()
    assert began.wait(10)
    (execution,) = worker.running()
    owner = worker.capsules["default"].fetcher.owner
    raw.hset(app.keys.cancels(worker.identity), f"{owner} {execution.unit.field}", jid)
    until(lambda: execution.cancelled)
