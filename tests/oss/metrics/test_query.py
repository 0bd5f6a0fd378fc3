"""What was measured is read again, by period, job and queue, in one round trip."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from offsider import App, Retry, clock
from offsider.contract.measures import Tally, Window
from offsider.errors import InvalidOption, RedisUnavailable
from offsider.metrics import query
from offsider.metrics.series import point_of
from offsider.metrics.sink import RedisSink
from offsider.testing.proxy import Proxy
from offsider.worker.worker import Worker
from support.waiting import until


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> int:
    """A minute of which no test sees the end."""
    minute = int(datetime(2025, 2, 14, 0, 5, tzinfo=UTC).timestamp() // 60)
    monkeypatch.setattr(clock, "now_s", lambda: minute * 60 + 30.0)
    return minute


def fill(app: App, *windows: Window) -> None:
    """Put windows into Redis."""
    sink = RedisSink(app.connections, app.keys, "host:1:ab")
    sink.write(windows)
    sink.close()


def test_jobs_are_listed_by_the_time_they_took(app: App, now: int) -> None:
    fill(
        app,
        Window(now, {"shop.slow": Tally(3, 1, 900.0), "shop.fast": Tally(50, 0, 100.0), "Mail.bad": Tally(4, 4)}),
        Window(now - 2, {"shop.slow": Tally(1, 0, 500.0)}),
        Window(now - 61, {"shop.old": Tally(1, 0, 9e6)}),
    )
    top = app.metrics.top()
    assert [row.name for row in top.rows] == ["shop.slow", "shop.fast", "Mail.bad"]
    slow = top.rows[0]
    assert (slow.processed, slow.failed, slow.succeeded, slow.took_ms) == (4, 1, 3, 1400.0)
    assert slow.average_ms == pytest.approx(466.67, abs=0.01)
    assert slow.points[-3:] == (500.0, 0.0, 900.0)
    assert len(top.times) == len(slow.points) == 60
    assert top.times[-1] == datetime(2025, 2, 14, 0, 5, tzinfo=UTC)
    assert [row.name for row in app.metrics.top(match="MAIL").rows] == ["Mail.bad"]
    assert [row.name for row in app.metrics.top(limit=1).rows] == ["shop.slow"]
    assert "shop.old" in [row.name for row in app.metrics.top(minutes=480).rows]


def test_hours_are_read_by_tens_of_minutes_over_days(app: App, now: int) -> None:
    fill(
        app,
        *(Window(now - 60 * hour, {"buy": Tally(1, 0, 10.0, {0: 1}, 5.0, {1: 1})}, {"mail": Tally(1)})
          for hour in (0, 1, 24, 71, 72)),
    )  # fmt: skip
    series = app.metrics.job("buy", hours=72)
    assert (series.processed, len(series.points)) == (4, 432)
    assert series.took.count == series.waited.count == 4
    assert app.metrics.top(hours=72).rows[0].processed == 4
    (mail,) = app.metrics.queues(hours=2)
    assert (mail.name, mail.processed) == ("mail", 2)


def test_some_queues_are_told_of_without_reading_the_others(app: App, now: int) -> None:
    fill(
        app,
        Window(now, {}, {"mail": Tally(7, 2, 10.0, {0: 5}, 900.0, {4: 7}), "low": Tally(1)}),
        Window(now - 5, {}, {"mail": Tally(3, 0, 10.0, {0: 3}, 90.0, {1: 3})}),
        Window(now - 61, {}, {"mail": Tally(9)}),
    )
    found = app.metrics.hour(["none", "mail"])
    assert list(found) == ["mail"]
    mail = found["mail"]
    assert (mail.name, mail.processed, mail.failed, mail.waited.count) == ("mail", 10, 2, 10)
    assert (len(mail.points), mail.points[-1], mail.points[-6], sum(mail.points)) == (60, 7, 3, 10)
    assert mail.waited.p95_ms == app.metrics.queues()[1].waited.p95_ms
    assert app.metrics.hour([]) == {}


def test_all_jobs_together_are_counted(app: App, now: int) -> None:
    fill(app, Window(now, {"a|p": Tally(3, 1), "b": Tally(2)}), Window(now - 1, {"b": Tally(4, 4)}))
    series = app.metrics.counts(minutes=3)
    assert [(one.processed, one.failed) for one in series.points] == [(0, 0), (4, 4), (5, 1)]
    assert app.metrics.counts(hours=1).processed == 9


def test_a_job_has_its_points_percentiles_and_waiting_times(app: App, now: int) -> None:
    tally = Tally(101, 1, 4000.0, {0: 50, 1: 50}, 101_000.0, {9: 101})
    fill(app, Window(now, {"buy": tally}), Window(now - 1, {"buy": Tally(1, 1)}))
    series = app.metrics.job("buy", minutes=5)
    assert (series.processed, series.failed) == (102, 2)
    assert (series.took.average_ms, series.took.p50_ms, series.took.p95_ms) == (40.0, 20.0, 29.0)
    assert series.waited.average_ms == 1000.0
    assert 500 < series.waited.p50_ms < 750
    assert [point.processed for point in series.points] == [0, 0, 0, 1, 101]
    assert app.metrics.job("unknown").processed == 0


def test_names_with_any_letters_are_told_apart(app: App, now: int) -> None:
    fill(app, Window(now, {"a|b": Tally(1), "a": Tally(2), "b|p": Tally(3), "ä€": Tally(4)}))
    assert {row.name: row.processed for row in app.metrics.top().rows} == {"a|b": 1, "a": 2, "b|p": 3, "ä€": 4}
    assert app.metrics.job("ä€").processed == 4


def test_queues_have_waiting_times(app: App, now: int) -> None:
    low = Tally(2, 0, 10.0, {0: 2}, 60_000.0, {18: 2})
    fill(app, Window(now, {}, {"mail": Tally(1, 1), "low": low}))
    queues = {one.name: one for one in app.metrics.queues()}
    assert list(queues) == ["low", "mail"]
    assert queues["low"].waited.average_ms == 30_000
    assert (queues["mail"].processed, queues["mail"].failed, queues["low"].failed) == (1, 1, 0)
    assert len(queues["low"].points) == 60


def test_each_number_of_many_queues_is_read_once(app: App, now: int, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(app, Window(now, queues={f"queue-{number}": Tally(1) for number in range(20)}))
    read: list[Any] = []
    monkeypatch.setattr(query, "point_of", lambda at, fields: read.extend(fields) or point_of(at, fields))
    assert [queue.processed for queue in app.metrics.queues(minutes=1)] == [1] * 20
    assert len(read) == 20


def test_in_a_shared_layout_times_of_ruby_workers_count_too(make_app: Callable[..., App], raw: Any, now: int) -> None:
    app = make_app(namespace="")
    fill(app, Window(now, {"Buy": Tally(2, 0, 50.0, {1: 2})}))
    raw.hincrby("j|250214|0:05", "Buy|p", 3)
    raw.hincrby("j|250214|0:05", "Buy|ms", 1000)
    raw.bitfield("h|Buy-14-0:5").incrby("u16", "#1", 1).incrby("u16", "#6", 2).execute()
    series = app.metrics.job("Buy", minutes=1)
    assert (series.processed, series.took.total_ms) == (5, 1050.0)
    assert (series.took.counts[1], series.took.counts[6]) == (3, 2)


def test_totals_go_on_where_periods_end(app: App, now: int) -> None:
    fill(app, Window(now - 9999, {"buy": Tally(2, 1, 30.0, {1: 1})}), Window(now, {"buy": Tally(1, 0, 5.0, {0: 1})}))
    total = app.metrics.totals()["buy"]
    assert (total.processed, total.failed, total.took.count, total.took.total_ms) == (3, 1, 2, 35.0)


# -- deploys -----------------------------------------------------------------------------------------------------


def test_a_deploy_is_a_mark_in_its_minute(app: App, now: int) -> None:
    assert app.metrics.mark("v7  by\nann")
    assert not app.metrics.mark("v7 by ann")
    assert app.metrics.mark("v6", at=datetime(2025, 2, 13, 23, 58, 59, tzinfo=UTC))
    assert app.metrics.mark("old", at=datetime(2025, 2, 14, 0, 5, tzinfo=UTC) - timedelta(hours=80))
    labels = [(f"{mark.at:%d %H:%M}", mark.label) for mark in app.metrics.marks()]
    assert labels == [("13 23:58", "v6"), ("14 00:05", "v7 by ann")]
    assert [mark.label for mark in app.metrics.top(minutes=5).marks] == ["v7 by ann"]
    assert [mark.label for mark in app.metrics.job("buy", hours=72).marks] == ["v6", "v7 by ann"]


def test_marks_are_where_sidekiq_keeps_its_own(make_app: Callable[..., App], raw: Any, now: int) -> None:
    app = make_app(namespace="")
    app.metrics.mark("v7")
    raw.hset("20250214-marks", "2025-02-14T00:01:00Z", "by Ruby")
    raw.hset("20250214-marks", "nonsense", "ignored")
    assert raw.hget("20250214-marks", "2025-02-14T00:05:00Z") == b"v7"
    assert [mark.label for mark in app.metrics.marks()] == ["by Ruby", "v7"]


@pytest.mark.parametrize("label", ["", "  \n", None, 7])
def test_a_label_is_a_text(app: App, label: Any) -> None:
    with pytest.raises(InvalidOption, match="expected a text"):
        app.metrics.mark(label)


def test_a_long_label_is_cut(app: App) -> None:
    app.metrics.mark("x" * 10_000)
    assert len(app.metrics.marks()[0].label) == 200


# -- in all ------------------------------------------------------------------------------------------------------


def test_what_a_worker_ran_is_read(app: App, start_worker: Callable[..., Worker]) -> None:
    @app.job(name="good", queue="mail")
    def good() -> None:
        """Ends well."""

    @app.job(name="bad", retry=Retry(max=1, delay=3600))
    async def bad() -> None:
        raise ValueError("no")

    good.enqueue_many([()] * 5)
    bad.enqueue()
    start_worker(app, queues=["mail", "default"])
    until(lambda: sum(row.processed for row in app.metrics.top().rows) == 6)
    rows = {row.name: row for row in app.metrics.top().rows}
    assert (rows["good"].processed, rows["good"].failed, rows["bad"].failed) == (5, 0, 1)
    series = app.metrics.job("good")
    assert series.took.count == series.waited.count == 5
    assert [queue.name for queue in app.metrics.queues()] == ["default", "mail"]


def test_an_outage_is_told(make_app: Callable[..., App], redis_url: str) -> None:
    proxy = Proxy(redis_url)
    metrics = make_app(proxy.url).metrics
    proxy.cut()
    for question in (metrics.top, metrics.queues, metrics.marks, metrics.totals, lambda: metrics.mark("v7")):
        with pytest.raises(RedisUnavailable):
            question()
    proxy.close()
