"""The page of one job: it gets another time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from offsider import App
from support.site import Visitor, fill


@pytest.fixture
def visitor(app: App, raw: Any) -> Visitor:
    """Somebody at this machine, with a job in every place."""
    fill(app, raw)
    return Visitor(app.web())


@pytest.mark.parametrize("jid", ["s1", "r1"])
def test_a_job_gets_another_time(visitor: Visitor, app: App, jid: str) -> None:
    text = visitor.text(f"/jobs/{jid}")
    assert 'value="2096-10-02T07:06" data-at="4000000000.0"' in text
    answer = visitor.post(f"/jobs/{jid}", {"act": "reschedule", "at": "2097-01-31T14:05", "offset": "60"})
    assert "It has another time now" in visitor.text(answer.headers["location"])
    assert app.why(jid).at_s == datetime(2097, 1, 31, 13, 5, tzinfo=UTC).timestamp()


def test_what_has_no_time_gets_none(visitor: Visitor, app: App) -> None:
    assert 'name="at"' not in visitor.text("/jobs/d1")
    answer = visitor.post("/jobs/d1", {"act": "reschedule", "at": "2097-01-31T14:05"})
    assert "the job is not where it was" in visitor.text(answer.headers["location"])
    answer = visitor.post("/jobs/s1", {"act": "reschedule", "at": "soon"})
    assert answer.status_code == 400
    assert "expected a time like 2027-01-31T14:05" in answer.text
