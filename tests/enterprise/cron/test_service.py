"""Workers enqueue what is due: each instant once, whoever comes first, and only what their app knows."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App, clock
from offsider.worker.worker import Worker
from offsider_enterprise.cron import Cron, Crontab, instant
from offsider_enterprise.cron.service import plan
from offsider_enterprise.cron.wall import utc
from support.site import Visitor
from support.waiting import until

from .conftest import DAY_S, MONTHLY, YEARLY, YEARS_S, CronBench, month, new_year

Start = Callable[..., Worker]
MakeBench = Callable[..., CronBench]


def test_a_due_entry_is_enqueued_once_noted_and_due_again_at_its_next_instant(
    bench: CronBench, start_worker: Start
) -> None:
    bench.crontab.add(
        "yearly", "report", YEARLY, args=["sales"], kwargs={"kind": "yearly"}, options={"tags": ["a"]}, window=YEARS_S
    )
    bench.put_back("yearly", new_year())
    start_worker(bench.app)
    until(bench.enqueued)
    (job,) = bench.enqueued()
    assert (job["class"], job["args"], job["kwargs"], job["tags"]) == ("report", ["sales"], {"kind": "yearly"}, ["a"])
    assert job["cron"] == {"name": "yearly", "at": new_year()}
    (run,) = bench.crontab.history("yearly")
    assert (run.what, run.at_s, run.jid) == ("enqueued", new_year(), job["jid"])
    assert run.late_s > 0
    assert bench.due_s("yearly") == new_year(-1)
    assert bench.crontab["yearly"].last == run


def test_many_workers_enqueue_each_instant_once(make_bench: MakeBench, start_worker: Start) -> None:
    benches = [make_bench() for _ in range(3)]
    bench = benches[0]
    names = [f"entry{k}" for k in range(60)]
    for name in names:
        bench.crontab.add(name, "report", MONTHLY, missed="all", window=YEARS_S)
    bench.raw.zadd(bench.keys.cron_due, dict.fromkeys(names, month(4)))
    for one in benches:
        start_worker(one.app)
    until(lambda: all(due == month(-1) for due in map(bench.due_s, names)), 60, "everything is done")
    found = sorted((job["cron"]["name"], job["cron"]["at"]) for job in bench.enqueued())
    assert found == sorted((name, month(back)) for name in names for back in range(5))
    assert len(bench.crontab.history(names[0])) == 5


@pytest.mark.parametrize(
    ("missed", "window", "runs", "whats"),
    [
        ("skip", YEARS_S, [], ["left out"]),
        ("once", YEARS_S, [0], ["enqueued", "left out"]),
        ("once", 3600, [], ["left out"]),
        ("all", YEARS_S, [3, 2, 1, 0], ["enqueued"] * 4),
    ],
)
def test_what_was_missed_goes_by_the_policy(
    bench: CronBench, start_worker: Start, missed: str, window: float, runs: list[int], whats: list[str]
) -> None:
    if month() > clock.now_s() - 3700:
        pytest.skip("the first hour of a month")
    bench.crontab.add("monthly", "report", MONTHLY, missed=missed, window=window)
    bench.put_back("monthly", month(3))
    start_worker(bench.app)
    until(lambda: bench.due_s("monthly") == month(-1))
    assert [job["cron"]["at"] for job in bench.enqueued()] == [month(back) for back in runs]
    assert bench.whats("monthly") == whats


def test_code_and_settings_declare_entries_when_a_worker_starts(make_bench: MakeBench, start_worker: Start) -> None:
    given = {"nightly": {"job": "report", "cron": "0 3 * * *", "zone": "Europe/Berlin", "args": ["sales"]}}
    bench = make_bench(enterprise={"cron": given, "cron_zone": "Asia/Kathmandu"})

    @bench.app.job(cron="*/5 * * * *", queue="cron", name="shop.sweep")
    def sweep() -> None: ...

    both = [Cron("H 1 * * *", name="early"), Cron("H 23 * * *", name="late", kwargs={"far": True}, missed="all")]

    @bench.app.job(cron=both, name="shop.look", queue="cron")
    def look(*, far: bool = False) -> None: ...

    assert "cron" not in sweep.request().record
    assert len(bench.crontab) == 0
    start_worker(bench.app)
    found = {entry.name: entry for entry in bench.crontab}
    assert sorted(found) == ["early", "late", "nightly", "shop.sweep"]
    assert {name: entry.source for name, entry in found.items()} == {
        **dict.fromkeys(("early", "late", "shop.sweep"), "code"), "nightly": "settings",
    }  # fmt: skip
    assert found["nightly"].entry.zone == "Europe/Berlin"
    assert found["late"].entry.zone == "Asia/Kathmandu"
    assert found["late"].entry.kwargs == {"far": True}
    assert not found["late"].forgotten
    assert all(entry.next_s for entry in found.values())


def test_a_deploy_keeps_pauses_and_what_was_missed_and_takes_new_times(
    make_bench: MakeBench, start_worker: Start
) -> None:
    def deployed(cron: str) -> CronBench:
        bench = make_bench()
        options = {"zone": "UTC", "window": YEARS_S}
        for name in ("same", "paused"):
            bench.app.job(cron=Cron(MONTHLY, **options), queue="cron", name=name)(lambda: None)
        bench.app.job(cron=Cron(cron, **options), queue="cron", name="changed")(lambda: None)
        return bench

    first = deployed(MONTHLY)
    start_worker(first.app).stop()
    first.crontab.pause("paused", reason="the warehouse moves", by="ann")
    for name in ("same", "changed"):
        first.put_back(name, month(1))
    second = deployed(YEARLY)
    start_worker(second.app)
    until(lambda: second.enqueued(), what="what was missed is made up for")
    assert [job["cron"]["name"] for job in second.enqueued()] == ["same"]
    assert second.due_s("changed") == new_year(-1)
    assert second.due_s("paused") is None
    paused = second.crontab["paused"]
    assert (paused.paused_by, paused.paused_reason) == ("ann", "the warehouse moves")


def test_apps_that_share_a_namespace_leave_each_others_entries_alone(
    make_bench: MakeBench, make_enterprise: Callable[..., App], start_worker: Start
) -> None:
    ours, theirs = make_bench(), make_enterprise()
    theirs.job(name="bill", cron=Cron(YEARLY, window=YEARS_S), queue="bills")(lambda: None)
    worker = start_worker(theirs)
    Crontab(theirs).add("extra", "bill", YEARLY, window=YEARS_S)
    worker.stop()
    for name in ("bill", "extra"):
        ours.put_back(name, new_year())
    ours.crontab.add("yearly", "report", YEARLY, window=YEARS_S)
    ours.put_back("yearly", new_year())
    start_worker(ours.app)
    until(ours.enqueued)
    assert ours.due_s("bill") == ours.due_s("extra") == new_year()
    assert {"bill", "extra", "yearly"} == {entry.name for entry in ours.crontab}
    assert ours.crontab["bill"].overdue_s > 0
    start_worker(theirs)
    until(lambda: len(ours.enqueued("bills")) == 2, what="their own workers run them when they are back")


def test_an_entry_whose_job_cannot_be_made_goes_on_says_so_and_holds_up_no_other(
    bench: CronBench, start_worker: Start, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("broken", "fine"):
        bench.crontab.add(name, "report", YEARLY, args=["a"], window=YEARS_S)
        bench.put_back(name, new_year())
    del bench.app.jobs["report"]
    bench.app.job(name="report", queue="cron")(lambda *, kind="daily": None)
    bench.crontab.edit("fine", args=[])
    with caplog.at_level(logging.ERROR, "offsider"):
        start_worker(bench.app)
        until(lambda: len(bench.enqueued()) == 1 and bench.due_s("broken") == new_year(-1))
    (run,) = bench.crontab.history("broken")
    assert run.what == "refused"
    assert "InvalidArguments" in run.said
    assert "cron entry 'broken' was not enqueued" in caplog.text


def test_a_run_that_a_middleware_stops_is_noted(bench: CronBench, start_worker: Start) -> None:
    from offsider.contract.middleware import ClientMiddleware

    class Closed(ClientMiddleware):
        def push(self, request: Any, next: Any) -> None:
            return None

    bench.app.client_middleware.add("closed", Closed())
    bench.crontab.add("yearly", "report", YEARLY, window=YEARS_S)
    bench.put_back("yearly", new_year())
    start_worker(bench.app)
    until(lambda: bench.due_s("yearly") == new_year(-1))
    assert bench.enqueued() == []
    assert bench.whats("yearly") == ["refused"]


def test_a_job_knows_for_which_instant_it_is(bench: CronBench, start_worker: Start, make_bench: MakeBench) -> None:
    seen: list[Any] = []
    bench.app.job(name="asks", queue="default", cron=Cron(YEARLY, window=YEARS_S))(lambda: seen.append(instant()))

    @bench.app.job(name="aasks", queue="default", cron=Cron(YEARLY, window=YEARS_S))
    async def asks() -> None:
        seen.append(instant())

    start_worker(bench.app)
    bench.app.jobs["asks"].enqueue()
    until(lambda: seen == [None])
    for name in ("asks", "aasks"):
        bench.put_back(name, new_year())
    until(lambda: len(seen) == 3)
    assert set(seen[1:]) == {utc(new_year())}
    assert instant() is None


def test_the_page_of_a_job_tells_its_entry(bench: CronBench, start_worker: Start) -> None:
    bench.crontab.add("yearly", "report", YEARLY, window=YEARS_S)
    bench.put_back("yearly", new_year())
    start_worker(bench.app)
    until(bench.enqueued)
    page = Visitor(bench.app.web()).text(f"/jobs/{bench.enqueued()[0]['jid']}")
    assert f"yearly, {utc(new_year()).isoformat()}" in page


def test_a_clock_of_a_worker_that_is_a_day_off_changes_nothing(
    bench: CronBench, start_worker: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_s, real_ms = clock.now_s, clock.now_ms
    monkeypatch.setattr(clock, "now_s", lambda: real_s() + DAY_S)
    monkeypatch.setattr(clock, "now_ms", lambda: real_ms() + DAY_S * 1000)
    before_s = real_s()
    bench.crontab.add("soon", "report", "* * * * *")
    bench.crontab.add("yearly", "report", YEARLY, window=YEARS_S)
    assert before_s < (bench.due_s("soon") or 0) <= real_s() + 60
    bench.put_back("soon", int(real_s()) // 60 * 60 + 600)  # what a whole number of minutes is not due yet
    bench.put_back("yearly", new_year())
    start_worker(bench.app)
    until(bench.enqueued)
    assert {job["cron"]["name"] for job in bench.enqueued()} == {"yearly"}


def test_a_clock_of_redis_that_was_a_day_ahead_leaves_no_entry_waiting_and_no_instant_twice(
    bench: CronBench, start_worker: Start
) -> None:
    """What such a day leaves behind: entries that are due tomorrow, and runs that were for tomorrow."""
    bench.crontab.add("often", "report", "*/5 * * * *")
    fresh = bench.due_s("often") or 0
    start_worker(bench.app).stop()
    bench.put_back("often", new_year())
    start_worker(bench.app).stop()
    until(lambda: bench.due_s("often"))
    note = bench.raw.zrange(bench.keys.cron_runs("often"), 0, -1)
    bench.raw.zadd(bench.keys.cron_runs("often"), {b'["enqueued",%d,1.0,"j",""]' % fresh: fresh})
    bench.raw.zadd(bench.keys.cron_runs("often"), {b'["enqueued",%d,1.0,"k",""]' % (fresh + DAY_S): fresh + DAY_S})
    bench.put_back("often", fresh + DAY_S + 300)
    start_worker(bench.app)
    until(lambda: bench.due_s("often") != fresh + DAY_S + 300)
    assert bench.due_s("often") in (fresh + 300, fresh + 600), (note, fresh)


def test_an_entry_is_never_put_to_before_the_oldest_run_that_is_kept(bench: CronBench) -> None:
    bench.crontab.add("often", "report", "*/5 * * * *")
    with bench.app.desk.wire() as wire:
        table = bench.crontab._table
        (kept,) = table.read(wire, ["often"])
        now_s = kept.now_s
        assert plan(table, wire, kept, now_s) is None
        assert kept.due_s is not None
        ahead = kept.due_s + DAY_S
        bench.put_back("often", ahead + 300)
        bench.raw.zadd(bench.keys.cron_runs("often"), {b'["enqueued",%d,1.0,"k",""]' % ahead: ahead})
        (kept,) = table.read(wire, ["often"])
        assert plan(table, wire, kept, now_s) is None
        assert bench.due_s("often") == ahead + 300


def test_entries_of_the_code_come_back_when_redis_has_lost_everything(
    make_bench: MakeBench, start_worker: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("offsider_enterprise.cron.service.AFFIRM_EVERY_S", 0.1)
    bench = make_bench()
    bench.app.job(name="sweep", cron=Cron(YEARLY, window=YEARS_S), queue="cron")(lambda: None)
    start_worker(bench.app)
    bench.crontab.pause("sweep")
    bench.raw.flushall()
    until(lambda: "sweep" in bench.crontab, what="it is declared again")
    until(lambda: "Redis had lost 1 entries of the crontab" in caplog.text)
    bench.put_back("sweep", new_year())
    until(bench.enqueued)


def test_names_that_are_no_entries_hold_up_none(bench: CronBench, start_worker: Start) -> None:
    bench.raw.zadd(bench.keys.cron_due, {f"ghost{k}": 1 for k in range(600)})
    bench.crontab.add("yearly", "report", YEARLY, window=YEARS_S)
    bench.put_back("yearly", new_year())
    start_worker(bench.app)
    until(bench.enqueued)


def test_a_service_stops_at_once_in_the_middle_of_much_work(bench: CronBench, start_worker: Start) -> None:
    names = [f"entry{k}" for k in range(300)]
    bench.crontab.add("first", "report", MONTHLY, missed="all", window=YEARS_S)
    (kept,) = bench.crontab._table.read(bench.app.connections.wire("t", read_timeout_s=5), ["first"])
    assert kept.entry is not None
    for name in names:
        key = bench.keys.cron_entry(name)
        bench.raw.hset(key, mapping=bench.raw.hgetall(bench.keys.cron_entry("first")))
    bench.raw.zadd(bench.keys.cron_due, dict.fromkeys(names, month(24)))
    worker = start_worker(bench.app)
    until(bench.enqueued)
    stopped = threading.Thread(target=worker.stop)
    stopped.start()
    stopped.join(5)
    assert not stopped.is_alive()
