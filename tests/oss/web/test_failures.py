"""Failures are looked at every so often, a bounded part of them, and anew after a change by hand."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from offsider import App, clock
from offsider.web import failures
from offsider.web.failures import Failures
from support.site import Visitor, failed


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock to be set."""
    at = [1000.0]
    monkeypatch.setattr(clock, "monotonic_s", lambda: at[0])
    return at


def test_a_look_is_kept_for_some_seconds(app: App, raw: Any, now: list[float]) -> None:
    looks = Failures()
    assert looks.of(app).groups == []
    raw.zadd(app.keys.dead, {failed("d1"): 1.0})
    now[0] += failures.KEPT_S - 0.1
    assert looks.of(app).groups == []
    now[0] += 0.2
    assert [group.dead for group in looks.of(app).groups] == [1]


def test_each_app_has_its_own(app: App, make_app: Any, raw: Any) -> None:
    raw.zadd(app.keys.dead, {failed("d1"): 1.0})
    looks = Failures()
    assert len(looks.of(app).groups) == 1
    assert looks.of(make_app(namespace="other")).groups == []


def test_a_bounded_part_is_looked_at(app: App, raw: Any) -> None:
    raw.zadd(app.keys.dead, {failed(f"d{k}"): 1.0 + k for k in range(failures.MOST_OF_EACH + 50)})
    raw.zadd(app.keys.retry, {failed(f"r{k}", message="x" * 20_500): 4e9 + k for k in range(450)})
    look = Failures().of(app)
    assert look.looked_at == failures.MOST_OF_EACH + failures.A_TIME, "4 MB are enough"
    assert look.total == failures.MOST_OF_EACH + 500
    text = Visitor(app.web()).text("/errors")
    assert '<data value="2200">2,200</data> of <data value="2500">2,500</data> jobs' in text


def test_what_was_changed_on_a_page_is_seen_at_once(app: App, raw: Any) -> None:
    raw.zadd(app.keys.dead, {failed("d1"): 1.0})
    visitor = Visitor(app.web())
    assert "ValueError" in visitor.text("/errors")
    visitor.post("/dead", {"act": "delete", "jid": "d1"})
    assert "No errors" in visitor.text("/errors")


def test_who_asks_during_a_look_gets_the_one_before(app: App, raw: Any, now: list[float]) -> None:
    looks = Failures()
    before = looks.of(app)
    now[0] += 60
    with looks._lock:
        found: list[Any] = []
        thread = threading.Thread(target=lambda: found.append(looks.of(app)))
        thread.start()
        thread.join(5)
    assert found == [before]
