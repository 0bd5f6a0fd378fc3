"""The address of a job's page says where the job was seen, and is refused when that cannot be."""

from __future__ import annotations

import re
from typing import Any

import pytest

from offsider import App
from support.site import Visitor, failed, fill, payload


def test_each_list_says_where_it_has_seen_a_job(app: App, raw: Any) -> None:
    fill(app, raw)
    visitor = Visitor(app.web())
    for address, link in {
        "/queues/mail": "/jobs/w1?in=queue&amp;at=1&amp;of=mail",
        "/scheduled": "/jobs/s1?in=schedule&amp;at=4000000000.0",
        "/retries?text=no": "/jobs/r1?in=retry&amp;at=4000000000.0",
        "/dead": "/jobs/d1?in=dead&amp;at=1790000000.0",
        "/errors": "/jobs/d1?in=dead&amp;at=1790000000.0",
        "/find?q=tea": "/jobs/d1?in=dead&amp;at=1790000000.0",
    }.items():
        assert f'href="{link}"' in visitor.text(address), address
        assert "ago" in visitor.text(link.replace("&amp;", "&"))


def test_an_open_page_asks_next_where_the_job_is_now(app: App, raw: Any) -> None:
    fill(app, raw)
    visitor = Visitor(app.web())
    assert 'data-live="/jobs/r1?in=retry&amp;at=4000000000.0"' in visitor.text("/jobs/r1?in=queue&at=3&of=mail")
    assert 'data-live="/jobs/w1?in=queue&amp;at=1&amp;of=mail"' in visitor.text("/jobs/w1")
    raw.lpush(app.keys.queue("mail"), payload("w2"))
    raw.rpop(app.keys.queue("mail"))
    raw.zadd(app.keys.retry, {failed("w1"): 7.5})
    assert 'data-live="/jobs/w1?in=retry&amp;at=7.5"' in visitor.text("/jobs/w1?in=queue&at=1&of=mail")


def test_a_job_that_is_gone_is_asked_for_once(app: App, raw: Any) -> None:
    """Each look for what is nowhere is a search of everything."""
    fill(app, raw)
    text = Visitor(app.web()).text("/jobs/gone")
    assert "not in Redis" in text
    assert "data-live" not in text
    assert "Search everything" not in text


def test_a_job_deep_in_a_long_queue_is_searched_for_when_that_is_wanted(app: App, raw: Any) -> None:
    fill(app, raw)
    raw.eval(
        "for k = 1, 101 do redis.call('LPUSH', KEYS[1], unpack(ARGV)) end", 1, app.keys.queue("mail"), *["x"] * 1000
    )
    raw.lpush(app.keys.queue("mail"), payload("deep"))
    visitor = Visitor(app.web())
    text = visitor.text("/jobs/deep")
    assert "not found" in text
    address = re.search(r'href="(/jobs/deep[^"]*)">Search everything', text)
    assert address is not None
    assert "101,002 of 101,002" in re.sub(r"<.*?>", "", visitor.text(address[1]))


def test_a_job_that_there_was_no_time_to_find_is_not_called_absent(
    app: App, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(app, raw)
    monkeypatch.setattr("offsider.web.pages.job.AT_ONCE_S", 0.0)
    visitor = Visitor(app.web())
    text = visitor.text("/jobs/d1")
    assert "no more time" in text
    assert "not in Redis" not in text
    address = re.search(r'href="(/jobs/d1[^"]*)">Search everything', text)
    assert address is not None
    assert "dead since" in visitor.text(address[1]) or "among the dead" in visitor.text(address[1])
    assert "no more time" not in visitor.text("/jobs/d1?in=dead&at=1790000000.0")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("in=pocket&at=1", "in is &#39;pocket&#39;: expected one of queue, in flight"),
        ("in=queue&at=1&of=a%20b", "&#39;a b&#39;"),
        ("in=queue&at=0&of=mail", "at is &#39;0&#39;: expected a whole number"),
        ("in=dead&at=soon", "at is &#39;soon&#39;: expected seconds since 1970"),
        ("in=dead&at=nan", "expected seconds since 1970"),
        ("far=2", "far is &#39;2&#39;"),
    ],
)
def test_what_cannot_be_is_explained(app: App, query: str, said: str) -> None:
    answer = Visitor(app.web()).get(f"/jobs/a?{query}")
    assert answer.status_code == 400
    assert said in answer.text
