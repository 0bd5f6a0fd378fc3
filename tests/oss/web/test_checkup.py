"""The doctor looks beside the pages, once a minute, and a failure of theirs is no failure of a page."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest

from offsider import App
from offsider.contract.findings import OK, PROBLEM, WARNING, Finding
from offsider.web import checkup
from offsider.web.checkup import Checkup
from support.site import Visitor
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
    assert '<a href="/doctor">it &lt;evicts&gt; (+1)</a>' in text
