"""What a process knows of pauses: one request a look, the last known while Redis is away, an answer for who asks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from offsider.errors import StoreError
from offsider_pro.pause import EVERY_S, Pauses
from offsider_pro.pause_view import PauseView
from support.server import Server


def test_a_look_is_one_request_and_says_whether_something_changed(pro: App, raw: Any) -> None:
    view = PauseView(pro)
    assert view.refresh() is False
    Pauses(pro).pause("mail")
    assert view.held(["mail", "low"]) == frozenset()
    assert view.refresh() is True
    assert view.held(["mail", "low"]) == {"mail"}
    raw.config_resetstat()
    assert [view.refresh() for _ in range(10)] == [False] * 10
    assert raw.info("commandstats")["cmdstat_evalsha"]["calls"] == 10
    assert EVERY_S >= 2.0, "no more than one request in two seconds"
    view.close()


def test_what_was_known_stays_while_redis_is_away(
    make_server: Callable[..., Server], make_pro: Callable[..., App]
) -> None:
    server = make_server()
    app = make_pro(server.url)
    Pauses(app).pause("mail")
    view = PauseView(app)
    view.refresh()
    server.kill()
    with pytest.raises(StoreError):
        view.refresh()
    assert view.held(["mail"]) == {"mail"}


def test_why_tells_of_a_paused_queue_and_of_a_paused_class(pro: App) -> None:
    pro.job(name="welcome", queue="mail")(lambda user: None)
    jid = str(pro.jobs["welcome"].enqueue(7))
    assert not [text for text in pro.why(jid).reasons if "paused" in text]
    Pauses(pro).pause("mail", reason="the provider is down", by="ann")
    (text,) = [text for text in pro.why(jid).reasons if "paused" in text]
    assert text.startswith("queue 'mail' is paused since ")
    assert text.endswith(" by ann: the provider is down")
    Pauses(pro).pause_class("welcome", where={"user": 7}, by="bob")
    (text,) = [text for text in pro.why(jid).reasons if "paused" in text]
    assert text.startswith("jobs 'welcome' with {\"user\":7} are paused since ")


def test_why_tells_of_a_deadline(pro: App) -> None:
    pro.job(name="welcome", expires_in=60)(lambda: None)
    jid = str(pro.jobs["welcome"].enqueue())
    late = str(pro.jobs["welcome"].using(expires_at=time.time() - 5).enqueue())
    assert [text for text in pro.why(jid).reasons if text.startswith("it expires at ")]
    assert [text for text in pro.why(late).reasons if text.startswith("it expired at ")]
