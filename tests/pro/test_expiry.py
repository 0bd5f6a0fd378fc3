"""Expiring jobs: what starts in time runs, what would start late does not, whatever the clocks of machines say."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from offsider import App, Cancel, Snooze
from offsider.errors import InvalidOption
from offsider.worker.worker import Worker
from offsider_pro.expired import ExpiredJobs
from offsider_pro.expiry import deadline_of, expires_at, expires_in
from support.bench import Bench, payload
from support.waiting import until

DAY_S = 86_400.0
NOW_MS = 1_755_432_000_000


def server_ms(raw: Any) -> float:
    seconds, microseconds = raw.time()
    return float(seconds) * 1000 + float(microseconds) / 1000


def waiting(app: App, raw: Any, queue: str = "default") -> list[dict[str, Any]]:
    return [json.loads(one) for one in raw.lrange(app.keys.queue(queue), 0, -1)][::-1]


# -- the stamp ---------------------------------------------------------------------------------------------


def test_a_deadline_counts_from_the_push_in_the_servers_time(pro: App, raw: Any) -> None:
    @pro.job(expires_in=timedelta(minutes=5))
    def report() -> None: ...

    async def enqueue() -> None:
        await report.aenqueue()
        await pro.leave_loop()

    report.enqueue()
    asyncio.run(enqueue())
    for record in waiting(pro, raw):
        assert abs(record["expires_at"] - server_ms(raw) - 300_000) < 2000
        assert record["needs"] == ["pro"]
        assert "expires_in" not in record


def test_a_call_has_a_deadline_of_its_own_or_none(pro: App, raw: Any) -> None:
    @pro.job(expires_in=5)
    def report() -> None: ...

    report.using(expires_in=60).enqueue()
    report.using(expires_in=None).enqueue()
    report.using(expires_at=datetime.fromtimestamp(4_000_000_000, UTC)).enqueue()
    longer, never, absolute = waiting(pro, raw)
    assert abs(longer["expires_at"] - server_ms(raw) - 60_000) < 2000
    assert "expires_at" not in never
    assert "needs" not in never
    assert absolute["expires_at"] == 4_000_000_000_000


def test_a_scheduled_job_expires_so_long_after_it_is_due(pro: App, raw: Any) -> None:
    @pro.job(expires_in=60)
    def report() -> None: ...

    report.using(delay=1000).enqueue()
    report.using(at=time.time() + 1000).enqueue()
    report.enqueue_many([()], at=[time.time() + 1000])
    entries = raw.zrange(pro.keys.schedule, 0, -1, withscores=True)
    assert len(entries) == 3
    for member, due_s in entries:
        assert json.loads(member)["expires_at"] == round(due_s * 1000) + 60_000


def test_every_job_of_a_bulk_is_stamped(pro: App, raw: Any) -> None:
    @pro.job(expires_in=60)
    def report(number: int) -> None: ...

    report.enqueue_many([(number,) for number in range(50)])
    assert all("expires_at" in record for record in waiting(pro, raw))


def test_what_is_due_after_its_deadline_is_refused(pro: App) -> None:
    @pro.job
    def report() -> None: ...

    with pytest.raises(InvalidOption, match="would never run"):
        report.using(delay=60, expires_at=time.time() + 30).enqueue()


@pytest.mark.parametrize("value", [0, -1, "soon", True, float("nan"), float("inf"), 1e12])
def test_a_bad_duration_is_refused_where_it_is_written(pro: App, value: Any) -> None:
    with pytest.raises(InvalidOption, match="expires_in"):
        pro.job(expires_in=value)(lambda: None)


@pytest.mark.parametrize("value", [datetime(2026, 1, 1), "soon", -5, True, 1e12])  # noqa: DTZ001 - naive on purpose
def test_a_bad_time_is_refused_where_it_is_written(pro: App, value: Any) -> None:
    @pro.job
    def report() -> None: ...

    with pytest.raises(InvalidOption, match="expires_at"):
        report.using(expires_at=value)


def test_the_options_take_none_for_never() -> None:
    assert expires_in(None) is None
    assert expires_at(None) is None


# -- the end -----------------------------------------------------------------------------------------------


def test_a_job_that_would_start_late_is_ended_and_is_no_failure(
    pro: App, bench: Bench, raw: Any, caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[str] = []
    pro.job(name="late", expires_in=60)(lambda: ran.append("late"))
    pro.job(name="soon", expires_in=60)(lambda: ran.append("soon"))
    caplog.set_level(logging.INFO, "offsider.job")
    late = pro.jobs["late"].using(expires_at=time.time() - 3).enqueue()
    pro.jobs["soon"].enqueue()
    worker = bench.run()
    worker.stop()
    assert ran == ["soon"]
    assert bench.places() == {}
    assert int(raw.get(pro.keys.stat("failed")) or 0) == 0
    said = [one.getMessage() for one in caplog.records if getattr(one, "fields", {}).get("jid") == late]
    assert [text for text in said if "expired" in text] == [said[-1]]
    found = ExpiredJobs(pro).find(str(late))
    assert found is not None
    assert (found.name, found.queue) == ("late", "default")


def test_an_async_job_expires_too(pro: App, bench: Bench) -> None:
    ran: list[str] = []

    @pro.job(name="report")
    async def report(what: str) -> None:
        ran.append(what)

    report.using(expires_at=time.time() - 1).enqueue("late")
    report.using(expires_in=60).enqueue("soon")
    bench.run()
    assert ran == ["soon"]
    assert bench.places() == {}


def test_a_retry_that_would_start_late_is_ended(pro: App, bench: Bench, raw: Any) -> None:
    attempts: list[int] = []

    @pro.job(expires_in=3600)
    def report() -> None:
        attempts.append(1)
        raise ValueError("again")

    report.enqueue()
    bench.run()
    assert bench.places() == {"retry": 1}
    record = bench.record("retry")
    raw.delete(pro.keys.retry)
    record["expires_at"] = round(server_ms(raw)) - 1000
    bench.run(json.dumps(record).encode())
    assert attempts == [1]
    assert bench.places() == {}


def test_a_snoozed_job_keeps_its_deadline(pro: App, bench: Bench) -> None:
    @pro.job(expires_in=3600)
    def report() -> Snooze:
        return Snooze(100)

    report.enqueue()
    bench.run()
    assert bench.record("schedule")["expires_at"] > 0


def test_a_deadline_that_is_no_number_fails_the_job(pro: App, bench: Bench) -> None:
    pro.job(name="report")(lambda: None)
    bench.run(payload("report", expires_at="tomorrow"))
    assert "'tomorrow'" in bench.record("retry")["error_message"]


def test_an_inline_run_needs_no_redis(make_pro: Callable[..., App]) -> None:
    app = make_pro("redis://127.0.0.1:1/0")

    @app.job(expires_in=60)
    def report() -> str:
        return "ran"

    assert report.inline() == "ran"
    assert isinstance(report.using(expires_at=time.time() - 1).inline(), Cancel)


def test_a_worker_without_pro_holds_it_instead_of_running_it_late(
    pro: App, make_app: Callable[..., App], raw: Any, start_worker: Callable[..., Worker]
) -> None:
    app = make_app(editions=[])
    ran: list[str] = []
    for one in (pro, app):
        one.job(name="report")(lambda: ran.append("report"))
    pro.jobs["report"].using(expires_in=60).enqueue()
    bench = Bench(app, raw, start_worker)
    bench.run().stop()
    assert ran == []
    assert "'pro'" in bench.record("schedule")["put_back"]["reason"]
    start_worker(pro)
    until(lambda: ran == ["report"], what="a worker with Pro has run it")


# -- clocks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step_s", [DAY_S, -DAY_S])
def test_a_client_whose_clock_is_a_day_off_sets_the_right_deadline(
    pro: App, raw: Any, step: Callable[[float], None], step_s: float
) -> None:
    @pro.job(expires_in=60)
    def report() -> None: ...

    step(step_s)
    report.enqueue()
    assert abs(waiting(pro, raw)[0]["expires_at"] - server_ms(raw) - 60_000) < 2000


def test_what_a_slow_clock_schedules_for_now_counts_from_now(pro: App, raw: Any, step: Callable[[float], None]) -> None:
    @pro.job(expires_in=60)
    def report() -> None: ...

    step(-DAY_S)
    report.using(delay=10).enqueue()
    (member,) = raw.zrange(pro.keys.schedule, 0, -1)
    assert abs(json.loads(member)["expires_at"] - server_ms(raw) - 60_000) < 2000


@pytest.mark.parametrize("step_s", [DAY_S, -DAY_S])
def test_a_worker_whose_clock_is_a_day_off_ends_what_is_late_and_nothing_else(
    pro: App, bench: Bench, step: Callable[[float], None], step_s: float
) -> None:
    ran: list[str] = []
    report = pro.job(name="report")(lambda what: ran.append(what))
    step(step_s)
    report.using(expires_at=time.time() + 60).enqueue("soon")
    report.using(expires_at=time.time() - 60).enqueue("late")
    bench.run()
    assert ran == ["soon"]


# -- Ruby's ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "deadline"),
    [
        ({"created_at": NOW_MS, "enqueued_at": NOW_MS + 5, "expires_in": 10}, NOW_MS + 10_005),
        ({"created_at": NOW_MS, "expires_in": 10.5}, NOW_MS + 10_500),
        ({"enqueued_at": NOW_MS / 1000 + 0.5, "expires_in": 10}, NOW_MS + 10_500),
        ({"enqueued_at": NOW_MS + 99_000, "failed_at": NOW_MS, "expires_in": 10}, NOW_MS + 10_000),
        ({"expires_in": 10}, None),
        ({"expires_at": NOW_MS, "expires_in": 10}, NOW_MS),
        ({}, None),
    ],
)
def test_a_job_of_sidekiqs_expires_by_its_own_field(record: dict[str, Any], deadline: int | None) -> None:
    assert deadline_of(record) == deadline


def test_a_late_job_of_sidekiqs_is_ended(pro: App, bench: Bench, raw: Any) -> None:
    ran: list[str] = []
    pro.job(name="report")(lambda what: ran.append(what))
    then = round(server_ms(raw)) - 60_000
    bench.run(
        payload("report", "late", enqueued_at=then, expires_in=30),
        payload("report", "soon", enqueued_at=then, expires_in=300),
    )
    until(lambda: ran == ["soon"], what="what is in time has run")
    assert bench.places() == {}


def test_who_asks_why_a_job_without_a_deadline_waits_does_not_wait_for_the_servers_time(pro: App, raw: Any) -> None:
    record = {"class": "report", "args": [], "jid": "a"}
    reason = pro.reasons["pro.expiry"]
    raw.config_resetstat()
    assert reason(pro, record, "queue") is None
    assert reason(pro, record | {"expires_at": 1}, "running") is None
    assert "cmdstat_time" not in raw.info("commandstats")
    assert "it expired at 1970" in str(reason(pro, record | {"expires_at": 1}, "queue"))
