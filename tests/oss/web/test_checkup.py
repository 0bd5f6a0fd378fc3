"""The doctor looks beside the pages, once a minute, and a failure of theirs is no failure of a page."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from offsider.contract.findings import OK, PROBLEM, WARNING, Finding
from offsider.web import checkup
from offsider.web.checkup import Checkup
from support.site import Visitor, quarantined
from support.waiting import until


def test_whoever_asks_first_waits_for_nothing(app: App) -> None:
    one = Checkup(app)
    one.last()
    until(lambda: one.last() is not None, what="it has looked")
    found = one.last()
    assert found is not None
    assert {"version", "workers"} <= {finding.name for finding in found.findings}


def test_it_looks_once_a_minute(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = threading.Semaphore(0)
    monkeypatch.setattr(checkup, "doctor", lambda app: looked.release())
    one = Checkup(app)
    for _ in range(5):
        one.last()
    assert looked.acquire(timeout=5)
    assert not looked.acquire(timeout=0.05)


def test_a_doctor_that_fails_is_logged(
    app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(app: App) -> Any:
        raise RuntimeError("no stethoscope")

    monkeypatch.setattr(checkup, "doctor", fails)
    with caplog.at_level(logging.ERROR, "offsider"):
        Checkup(app).last()
        until(lambda: "no stethoscope" in caplog.text, what="it is logged")


def test_the_worst_is_said_on_every_page(make_app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app()
    site = app.web()
    findings = (Finding("a", OK, "fine"), Finding("b", WARNING, "slow"), Finding("c", PROBLEM, "it <evicts>"))
    monkeypatch.setattr(checkup, "doctor", lambda app: checkup.Diagnosis(findings, ()))
    site.web.checkup.now()
    text = Visitor(site).text("/queues")
    assert 'class="notice problem"' in text
    assert '<a href="/doctor"><bdi>it &lt;evicts&gt; (+1)</bdi></a>' in text


def test_of_several_servers_it_is_said_whose_it_is(make_app: Callable[..., App], raw: Any) -> None:
    app = make_app(namespace="home", shards={"eu": {"namespace": "shop-eu"}})
    raw.zadd(app.shard("eu").keys.quarantine, {quarantined(b"x"): 1.0})
    site = app.web()
    site.web.checkup_of(app.shard("eu")).now()
    text = Visitor(site).text("/queues")
    assert "<span><bdi>shop-eu: " in text, "without a link: the doctor's page here is another server's"
