"""The pages of the crontab: what is there, what became of it, and what may be done about it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from offsider.worker.worker import Worker
from support.site import Visitor
from support.waiting import until

from .conftest import YEARLY, YEARS_S, CronBench, new_year


@pytest.fixture
def visitor(bench: CronBench) -> Visitor:
    return Visitor(bench.app.web())


def test_an_empty_crontab_says_how_to_begin(visitor: Visitor) -> None:
    text = visitor.text("/cron")
    assert "The crontab has no entry" in text
    assert "@app.job(cron=" in text


def test_the_list_tells_each_entry_and_how_it_stands(
    bench: CronBench, visitor: Visitor, start_worker: Callable[..., Worker]
) -> None:
    for name in ("a", "b", "c<i>"[:1], "d"):
        bench.crontab.add(name, "report", YEARLY, zone="Europe/Berlin")
    bench.crontab.pause("b", by="ann")
    bench.put_back("d", new_year())
    text = visitor.text("/cron")
    assert "4 entries" in text
    assert "paused by ann" in text
    assert "late by" in text
    assert "Europe/Berlin" in text


def test_many_entries_have_pages(bench: CronBench, visitor: Visitor) -> None:
    for k in range(55):
        bench.crontab.add(f"entry{k:02}", "report", YEARLY)
    assert "entry49" in visitor.text("/cron")
    assert "entry50" not in visitor.text("/cron")
    assert "entry54" in visitor.text("/cron?page=2")
    assert visitor.get("/cron?page=x").status_code == 400


def test_an_entry_shows_its_next_and_its_last_runs(
    bench: CronBench, visitor: Visitor, start_worker: Callable[..., Worker]
) -> None:
    bench.crontab.add("a", "report", YEARLY, args=["<b>sales</b>"], zone="UTC", window=YEARS_S)
    bench.put_back("a", new_year())
    start_worker(bench.app)
    until(bench.enqueued)
    text = visitor.text("/cron/a")
    assert "&lt;b&gt;sales" in text
    assert bench.enqueued()[0]["jid"] in text
    assert text.count("-01-01 00:00") >= 5
    assert visitor.get("/cron/nobody").status_code == 404


def test_an_entry_is_run_paused_resumed_and_deleted_from_its_page(bench: CronBench, visitor: Visitor) -> None:
    bench.crontab.add("a", "report", YEARLY)

    def act(what: str) -> str:
        answer = visitor.post("/cron/a", {"act": what})
        assert answer.status_code == 303, answer.text
        return visitor.text(answer.headers["location"])

    assert "A run is enqueued" in act("run")
    assert len(bench.enqueued()) == 1
    assert "The entry is paused" in act("pause")
    assert bench.crontab["a"].paused
    assert "The entry goes on" in act("resume")
    assert not bench.crontab["a"].paused
    assert "The entry is deleted" in act("delete")
    assert bench.crontab.get("a") is None
    assert visitor.post("/cron/a", {"act": "run"}).status_code == 404


def test_what_is_wrong_changes_nothing(bench: CronBench, visitor: Visitor) -> None:
    bench.crontab.add("a", "report", YEARLY)
    assert visitor.post("/cron/a", {"act": "explode"}).status_code == 400
    foreign = visitor.client.post("/cron/a", data={"act": "delete"}, headers={"sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403
    assert bench.crontab.get("a") is not None
    bench.app.jobs.pop("report")
    assert visitor.post("/cron/a", {"act": "run"}).status_code == 400


def test_who_may_only_read_sees_no_buttons_and_changes_nothing(bench: CronBench) -> None:
    from offsider.contract.web import Verdict

    class Readers:
        def judge(self, asker: object, permission: str) -> Verdict:
            return Verdict(permission == "read")

    bench.crontab.add("a", "report", YEARLY)
    visitor = Visitor(bench.app.web(auth=Readers().judge))
    for path in ("/cron", "/cron/a"):
        assert "Run now" not in visitor.text(path)
    assert visitor.post("/cron/a", {"act": "pause"}).status_code == 403
    assert not bench.crontab["a"].paused
