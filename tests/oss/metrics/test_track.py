"""Attempts are measured once each, by many threads and both kinds of jobs, in the minute in which they end."""

from __future__ import annotations

import asyncio
import threading
import timeit
from collections.abc import Callable
from typing import Any

import pytest
import redis

from offsider import App, Cancel, Retry, Snooze, clock
from offsider.contract.measures import OTHER, Tally, Window
from offsider.contract.middleware import ServerMiddleware
from offsider.contract.work import Hold
from offsider.errors import LostJob, Shutdown
from offsider.metrics import track
from offsider.metrics.track import MetricsMiddleware, Tracker
from offsider.worker.worker import Worker
from support.attempts import attempt, attempts, execution
from support.waiting import until

Start = Callable[..., Worker]


def counted(windows: list[Window], name: str = "shop.buy") -> tuple[int, int]:
    """Processed and failed of one job in all windows."""
    total = Tally()
    for window in windows:
        total.add(window.jobs.get(name, Tally()))
    return total.processed, total.failed


def only(windows: list[Window]) -> Window:
    """One window: a test that began just before the end of a minute has two."""
    whole = windows[0]
    for window in windows[1:]:
        for mine, more in ((whole.jobs, window.jobs), (whole.queues, window.queues)):
            for name, tally in more.items():
                mine.setdefault(name, Tally()).add(tally)
    return whole


def test_taking_windows_ends_them() -> None:
    tracker = Tracker()
    attempts(tracker, [False, True, False])
    assert counted(tracker.take()) == (3, 1)
    assert tracker.take() == []


def test_times_are_counted_for_the_job_and_for_the_queue() -> None:
    tracker = Tracker()
    attempt(tracker, name="a", queue="mail", took_s=0.1, waited_s=2.0)
    attempt(tracker, name="b", queue="mail", took_s=40.0, waited_s=0.0)
    attempt(tracker, name="a", queue="low", failed=True, took_s=1.0, waited_s=400.0)
    window = only(tracker.take())
    a, b, mail, low = window.jobs["a"], window.jobs["b"], window.queues["mail"], window.queues["low"]
    assert (a.processed, a.failed, b.processed, mail.processed, low.failed) == (2, 1, 1, 2, 1)
    assert a.took == {5: 1}, "0.1 s is not below 0.1 s, and failures have no run time"
    assert b.took == {19: 1}
    assert mail.took == {5: 1, 19: 1}
    assert a.waited == {12: 1, 25: 1}
    assert mail.waited == {0: 1, 12: 1}
    assert a.took_ms == pytest.approx(100, abs=50)
    assert a.waited_ms == pytest.approx(402_000, abs=100)


@pytest.mark.parametrize("stamp", [None, "soon", [], 10**400, True, -5.0])
def test_a_stamp_that_is_none_costs_the_waiting_time_and_nothing_else(stamp: Any) -> None:
    tracker = Tracker()
    attempt(tracker, record={"enqueued_at": stamp})
    assert counted(tracker.take()) == (1, 0)


def test_a_stamp_in_seconds_as_older_sidekiqs_wrote_it_is_read() -> None:
    tracker = Tracker()
    attempt(tracker, record={"enqueued_at": clock.now_s() - 7.0})
    attempt(tracker, waited_s=40.0)
    tally = only(tracker.take()).jobs["shop.buy"]
    assert tally.waited == {15: 1, 19: 1}
    assert tally.waited_ms == pytest.approx(47_000, abs=500)


def test_a_producers_clock_that_is_ahead_makes_no_negative_times() -> None:
    tracker = Tracker()
    attempt(tracker, waited_s=-30.0)
    tally = only(tracker.take()).jobs["shop.buy"]
    assert (tally.waited, tally.waited_ms) == ({0: 1}, 0.0)


def test_a_job_counts_in_the_minute_in_which_it_ends_and_not_in_that_of_the_flush(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s, monotonic = 1_000_000 * 60.0 + 30, 500.0
    monkeypatch.setattr(clock, "now_s", lambda: now_s)
    monkeypatch.setattr(track, "monotonic_s", lambda: monotonic)
    monkeypatch.setattr(clock, "monotonic_s", lambda: monotonic)
    tracker = Tracker()
    for minute in range(3):
        attempts(tracker, [False] * (minute + 1))
        now_s, monotonic = now_s + 60, monotonic + 60
    windows = tracker.take()
    assert [(one.minute, one.jobs["shop.buy"].processed) for one in windows] == [
        (1_000_000, 1), (1_000_001, 2), (1_000_002, 3),
    ]  # fmt: skip


@pytest.mark.parametrize("count", [1, 63, 64, 127, 128, 129, 500, 1000, 1281])
def test_of_very_many_at_once_some_waiting_times_stand_for_all_and_none_is_left_out(count: int) -> None:
    tracker = Tracker()
    for number in range(count):
        tracker.end(execution(waited_s=10.0 + number / count * 40))
    tally = only(tracker.take()).jobs["shop.buy"]
    assert (tally.processed, sum(tally.waited.values())) == (count, count)
    assert tally.waited_ms / count == pytest.approx(30_000 if count > 60 else 10_000, rel=0.05)


def test_names_beyond_the_limit_are_counted_under_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(track, "MOST_NAMES", 3)
    tracker = Tracker()
    for number in range(6):
        attempt(tracker, name=f"job{number}", queue=f"queue{number}")
        attempt(tracker, name="job0", queue="queue0")
    window = only(tracker.take())
    assert sorted(window.jobs) == [OTHER, "job0", "job1", "job2"]
    assert sorted(window.queues) == [OTHER, "queue0", "queue1", "queue2"]
    assert (window.jobs[OTHER].processed, window.jobs["job0"].processed) == (3, 7)


def test_threads_lose_none_of_each_others_attempts_while_they_are_taken() -> None:
    tracker = Tracker()
    middleware = MetricsMiddleware(tracker)
    each, threads = 3_000, 8
    start = threading.Barrier(threads + 1)

    def count(number: int) -> None:
        one = execution(f"job{number % 3}", f"queue{number % 2}")
        start.wait()
        for _ in range(each):
            middleware.call(one, lambda _one: None)

    running = [threading.Thread(target=count, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    start.wait()
    taken: list[Window] = []
    while any(thread.is_alive() for thread in running):
        taken += tracker.take()
    taken += tracker.take()
    assert sum(tally.processed for window in taken for tally in window.jobs.values()) == each * threads
    assert sum(tally.processed for window in taken for tally in window.queues.values()) == each * threads
    assert sum(sum(tally.waited.values()) for window in taken for tally in window.jobs.values()) == each * threads


def test_a_thread_that_was_interrupted_while_it_summed_up_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(track, "STUCK_S", 0.05)
    tracker = Tracker()
    attempts(tracker, [False])
    tracker._lock.acquire()
    attempts(tracker, [False])
    assert counted(tracker.take()) == (2, 0)
    attempts(tracker, [False])
    assert counted(tracker.take()) == (1, 0)


def test_whatever_goes_wrong_in_the_sum_is_not_the_jobs_failure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_times: list[float], _plus_s: float = 0.0) -> dict[int, int]:
        raise ZeroDivisionError("oh")

    tracker = Tracker()
    with monkeypatch.context() as patch:
        patch.setattr(track, "buckets_of", broken)
        attempt(tracker)
    assert "attempts could not be measured; their jobs are not touched by it" in caplog.text
    attempt(tracker)
    assert counted(tracker.take()) == (1, 0)


class Stop(BaseException):
    """What no ``except Exception`` sees."""


def run(kind: str, tracker: Tracker, one: Any, raised: BaseException | None) -> Any:
    """One attempt of either kind."""

    def body(execution: Any) -> Any:
        if raised is not None:
            raise raised
        return execution

    async def abody(execution: Any) -> Any:
        return body(execution)

    middleware = MetricsMiddleware(tracker)
    return middleware.call(one, body) if kind == "def" else asyncio.run(middleware.acall(one, abody))


@pytest.mark.parametrize(("raised", "failed"), [(None, 0), (ValueError("no"), 1), (Stop(), 1), (Shutdown(), 1)])
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_an_attempt_is_counted_whatever_its_end_and_its_end_is_passed_on(
    kind: str, raised: BaseException | None, failed: int
) -> None:
    tracker = Tracker()
    one = execution(took_s=3.0)
    if raised is None:
        assert run(kind, tracker, one, None) is one
    else:
        with pytest.raises(type(raised)):
            run(kind, tracker, one, raised)
    assert counted(tracker.take()) == (1, failed)
    assert one.took_s >= 3.0


@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize(
    ("raised", "fields", "interrupting"),
    [
        (Hold("closed", delay_s=5), {}, False),
        (Shutdown(), {}, True),
        (asyncio.CancelledError(), {}, True),
        (LostJob("elsewhere"), {"lost": True}, False),
    ],
    ids=["held", "stopped", "cancelled", "lost"],
)
def test_a_job_that_runs_again_without_a_failure_had_no_attempt(
    kind: str, raised: BaseException, fields: dict[str, Any], interrupting: bool
) -> None:
    tracker = Tracker()
    one = execution()
    vars(one).update(fields)
    one.capsule.interrupting = interrupting
    with pytest.raises(type(raised)):
        run(kind, tracker, one, raised)
    assert tracker.take() == []


def test_measuring_costs_little_on_the_way_of_a_job() -> None:
    middleware = MetricsMiddleware(Tracker())
    one = execution()

    def body(_execution: Any) -> None:
        """Nothing."""

    runs = 500
    timed = timeit.repeat(lambda: middleware.call(one, body), number=runs, repeat=100)
    bare = timeit.repeat(lambda: body(one), number=runs, repeat=100)
    assert (min(timed) - min(bare)) / runs < 2e-6, "0.3 µs on a machine that has nothing else to do"


# -- in a worker -------------------------------------------------------------------------------------------------


def test_the_counters_in_redis_are_those_of_all_attempts(app: App, start_worker: Start, raw: redis.Redis) -> None:
    @app.job(name="good")
    def good() -> None:
        """Ends well."""

    @app.job(name="bad", retry=Retry(max=3, delay=3600))
    async def bad() -> None:
        raise ValueError("no")

    @app.job(name="ends")
    def ends() -> Cancel:
        return Cancel("not wanted")

    @app.job(name="later")
    def later() -> Snooze:
        return Snooze(3600)

    day = clock.utc_day()
    worker = start_worker(app)
    good.enqueue_many([()] * 20)
    bad.enqueue_many([()] * 7)
    ends.enqueue()
    later.enqueue()
    until(lambda: raw.get("{offsider}:stat:processed") == b"29", what="the heartbeat brings them")
    assert raw.get("{offsider}:stat:failed") == b"7"
    worker.stop()
    assert raw.get("{offsider}:stat:processed") == b"29", "the end brings none a second time"
    if day == clock.utc_day():
        assert raw.get(f"{{offsider}}:stat:processed:{day}") == b"29"
        assert raw.get(f"{{offsider}}:stat:failed:{day}") == b"7"


def test_what_was_counted_last_is_written_at_the_end(
    make_app: Callable[..., App], start_worker: Start, raw: redis.Redis
) -> None:
    app = make_app(worker={"beat_s": 30.0})
    ran = threading.Event()

    @app.job(name="good")
    def good() -> None:
        ran.set()

    worker = start_worker(app)
    good.enqueue()
    assert ran.wait(10)
    worker.stop()
    assert raw.get("{offsider}:stat:processed") == b"1"


def test_middleware_that_ends_a_job_early_is_inside_the_count(app: App, start_worker: Start, raw: redis.Redis) -> None:
    class Refuses(ServerMiddleware):
        """Fails before the body, and is put outermost by its owner."""

        only = "sync"

        def call(self, execution: Any, next: Any) -> Any:
            raise PermissionError("no")

    app.server_middleware.add("refuses", Refuses(), first=True)

    @app.job(name="good", retry=Retry(max=1, delay=3600))
    def good() -> None:
        """Never runs."""

    good.enqueue()
    start_worker(app)
    until(lambda: raw.get("{offsider}:stat:failed") == b"1")
    assert raw.get("{offsider}:stat:processed") == b"1"
