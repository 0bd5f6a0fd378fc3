"""Expired jobs are counted and noted, bounded, with the heartbeat; never on the path of a job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from offsider.errors import RedisUnavailable
from offsider_pro.expired import MOST_NOTES, ExpiredJobs
from support.server import Server


def record(number: int = 1) -> dict[str, Any]:
    return {"jid": f"jid{number}", "class": "shop.report", "args": []}


def test_nothing_is_written_while_nothing_expires(pro: App, raw: Any) -> None:
    ExpiredJobs(pro).write()
    assert raw.keys("*") == []


def test_what_expired_is_found_with_its_name_and_queue(pro: App, raw: Any) -> None:
    expired = ExpiredJobs(pro)
    expired.note(record(1), "mail", 1000)
    expired.note(record(2), "mail", 2000)
    expired.write()
    assert [job.jid for job in expired.recent()] == ["jid2", "jid1"]
    found = ExpiredJobs(pro).find("jid1")
    assert found is not None
    assert (found.name, found.queue, found.expired_ms) == ("shop.report", "mail", 1000)
    assert expired.find("jid3") is None
    assert expired.count() == 2
    (day,) = raw.keys(pro.keys.stat("expired", "*").replace("{", "\\{"))
    assert raw.ttl(day) > 0


def test_only_the_last_ones_are_kept_and_all_are_counted(pro: App, raw: Any) -> None:
    expired = ExpiredJobs(pro)
    for number in range(MOST_NOTES + 200):
        expired.note(record(number), "mail", number)
        if number % 700 == 0:
            expired.write()
    expired.write()
    assert raw.zcard(f"{pro.keys.prefix}expired") == MOST_NOTES
    assert expired.count() == MOST_NOTES + 200
    assert expired.find(f"jid{MOST_NOTES + 199}") is not None


def test_what_cannot_be_written_is_kept_for_later(
    make_server: Callable[..., Server], make_pro: Callable[..., App], caplog: pytest.LogCaptureFixture
) -> None:
    server = make_server()
    app = make_pro(server.url)
    expired = ExpiredJobs(app)
    expired.note(record(), "mail", 1000)
    server.kill()
    expired.write()
    assert "could not be counted" in caplog.text
    server.start()
    expired.write()
    assert expired.count() == 1


def test_of_too_many_that_cannot_be_written_the_latest_are_kept(
    pro: App, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    expired = ExpiredJobs(pro)
    for number in range(MOST_NOTES):
        expired.note(record(number), "mail", number)

    def refused(*_: Any) -> None:
        expired.note(record(MOST_NOTES), "mail", MOST_NOTES)  # one more expires meanwhile
        raise RedisUnavailable("Redis is away")

    with monkeypatch.context() as broken:
        broken.setattr(expired, "_send", refused)
        expired.write()
    expired.write()
    assert [job.expired_ms for job in expired.recent()] == list(range(MOST_NOTES, 0, -1))
    assert expired.count() == MOST_NOTES + 1


def test_bytes_of_others_are_passed_over(pro: App, raw: Any) -> None:
    raw.zadd(f"{pro.keys.prefix}expired", {b"[]": 1, b'{"class":"a","args":[],"jid":"b"}': 2})
    assert ExpiredJobs(pro).recent() == []
