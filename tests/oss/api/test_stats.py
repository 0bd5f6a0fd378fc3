"""Figures of everything, in few round trips, whatever lies there."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from offsider import App
from offsider.errors import InvalidOption
from offsider.worker.worker import Worker
from support.waiting import until


@pytest.fixture(params=["offsider", ""], ids=["namespace", "sidekiqs layout"])
def both(request: pytest.FixtureRequest, make_app: Callable[..., App]) -> App:
    return make_app(namespace=request.param, worker={"beat_s": 0.1})


def test_everything_is_counted(both: App, start_worker: Callable[..., Worker], raw: Any) -> None:
    @both.job(name="fail", queue="mail")
    def fail() -> None:
        raise ValueError("no")

    fail.enqueue()
    start_worker(both, queues=["mail"], concurrency=3)
    until(lambda: (both.stats.now().failed, both.stats.now().processes) == (1, 1), what="a whole heartbeat")
    keys = both.keys
    late = f'{{"class":"a","args":[],"jid":"1","enqueued_at":{int((time.time() - 30) * 1000)}}}'
    raw.lpush(keys.queue("low"), late, "x")
    raw.rpush(keys.queue("low"), late)
    raw.sadd(keys.queues, "low")
    raw.zadd(keys.schedule, {"a": 1e10, "b": 2e10})
    raw.zadd(keys.quarantine, {"a": 1})
    found = both.stats.now()
    assert (found.processed, found.failed, found.enqueued) == (1, 1, 3)
    assert (found.scheduled, found.retries, found.dead, found.quarantined) == (2, 1, 0, 1)
    assert (found.processes, found.busy, found.concurrency) == (1, 0, 3)
    assert [(queue.name, queue.size) for queue in found.queues] == [("low", 3), ("mail", 0)]
    assert round(found.latency_s) == round(found.queues[0].latency_s) == 30
    assert found.to_dict()["queues"][0]["name"] == "low"


def test_nothing_at_all_is_zeros(app: App) -> None:
    found = app.stats.now()
    assert (found.processed, found.enqueued, found.dead, found.processes, found.queues) == (0, 0, 0, 0, ())


def test_days_are_newest_first_with_zeros_between(both: App, raw: Any) -> None:
    today = datetime.now(UTC).date()
    raw.set(both.keys.stat("processed", str(today)), 7)
    raw.set(both.keys.stat("failed", str(today - timedelta(2))), 3)
    found = both.stats.history(3)
    assert [day.day for day in found] == [today, today - timedelta(1), today - timedelta(2)]
    assert [(day.processed, day.failed) for day in found] == [(7, 0), (0, 0), (0, 3)]
    assert [day.failed for day in both.stats.history(1, until=today - timedelta(2))] == [3]
    assert len(both.stats.history(1825)) == 1825


@pytest.mark.parametrize("wrong", [{"days": 0}, {"days": 1826}, {"days": "7"}, {"until": "today"}, {"until": date.min}])
def test_days_that_cannot_be_are_refused(app: App, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidOption, match="expected a"):
        app.stats.history(**wrong)


def test_totals_begin_anew_and_days_stay(both: App, raw: Any) -> None:
    for name in ("processed", "failed"):
        raw.set(both.keys.stat(name), 5)
        raw.set(both.keys.stat(name, "2026-11-24"), 5)
    both.stats.reset("failed")
    assert (both.stats.now().processed, both.stats.now().failed) == (5, 0)
    both.stats.reset()
    assert both.stats.now().processed == 0
    assert both.stats.history(1, until=date(2026, 11, 24))[0].processed == 5
    with pytest.raises(InvalidOption, match="'dead' is no total"):
        both.stats.reset("dead")


def test_keys_of_another_type_count_as_nothing(app: App, raw: Any) -> None:
    for key in (app.keys.stat("processed"), app.keys.schedule, app.keys.queue("mail"), app.keys.process("p")):
        raw.sadd(key, "mine")
    raw.sadd(app.keys.queues, "mail")
    raw.sadd(app.keys.processes, "p")
    found = app.stats.now()
    assert (found.processed, found.scheduled, found.enqueued, found.processes) == (0, 0, 0, 0)


def test_it_takes_few_requests_however_many_queues(app: App, raw: Any) -> None:
    raw.sadd(app.keys.queues, *[f"q{k}" for k in range(400)])
    app.stats.now()  # connections are open
    raw.config_resetstat()
    began_s = time.monotonic()
    app.stats.now()
    assert time.monotonic() - began_s < 1
    commands = raw.info("commandstats")
    assert commands["cmdstat_llen"]["calls"] == commands["cmdstat_lindex"]["calls"] == 400


@pytest.mark.parametrize(
    ("args", "waited_s"),
    [
        ("[]", 30), ('["\\"enqueued_at\\":1"]', 30), ('[{"enqueued_at":1754000000000}]', 30),
        ('[{"enqueued_at":"1"}]', 30),
    ],
)  # fmt: skip
def test_how_long_a_job_has_waited_is_its_own_stamp(app: App, raw: Any, args: str, waited_s: int) -> None:
    """It is read past the rest of the payload, where there is only one such thing in it."""
    stamp = int((time.time() - 30) * 1000)
    raw.sadd(app.keys.queues, "mail")
    raw.lpush(app.keys.queue("mail"), f'{{"class":"a","args":{args},"jid":"1","enqueued_at":{stamp}}}')
    assert round(app.stats.now().latency_s) == waited_s
