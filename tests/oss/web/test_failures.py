"""A bounded part of all failures is looked at, and anew after a change by hand."""

from __future__ import annotations

from typing import Any

from offsider import App
from offsider.web import failures
from support.site import Visitor, failed


def test_a_bounded_part_is_looked_at(app: App, raw: Any) -> None:
    raw.zadd(app.keys.dead, {failed(f"d{k}"): 1.0 + k for k in range(failures.MOST_OF_EACH + 50)})
    raw.zadd(app.keys.retry, {failed(f"r{k}", message="x" * 20_500): 4e9 + k for k in range(450)})
    look = failures.failures(app)
    assert look.looked_at == failures.MOST_OF_EACH + failures.A_TIME, "4 MB are enough"
    assert look.total == failures.MOST_OF_EACH + 500
    text = Visitor(app.web()).text("/errors")
    assert '<data value="2200">2,200</data> of <data value="2500">2,500</data> jobs' in text


def test_bytes_that_are_no_job_do_not_end_the_look(app: App, raw: Any) -> None:
    raw.zadd(app.keys.dead, {failed(f"d{k}"): 1.0 + k for k in range(failures.A_TIME)} | {b"no job": 5e9})
    look = failures.failures(app)
    assert (look.looked_at, look.total) == (failures.A_TIME, failures.A_TIME + 1)


def test_what_was_changed_on_a_page_is_seen_at_once(app: App, raw: Any) -> None:
    raw.zadd(app.keys.dead, {failed("d1"): 1.0})
    visitor = Visitor(app.web())
    assert "ValueError" in visitor.text("/errors")
    visitor.post("/dead", {"act": "delete", "jid": "d1"})
    assert "No errors" in visitor.text("/errors")
