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
from offsider.errors import Shutdown
from offsider.metrics import track
from offsider.metrics.track import Tracker
from offsider.worker.worker import Worker
from support.attempts import attempt, attempts, execution
from support.bench import Bench
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


@pytest.mark.parametrize("count", [1, 2, 15, 16, 31, 32, 33, 90, 500, 1281])
def test_of_very_many_at_once_some_waiting_times_stand_for_all_and_none_is_left_out(count: int) -> None:
    tracker = Tracker()
    tracker.add([execution(waited_s=10.0 + number / count * 40) for number in range(count)])
    tally = only(tracker.take()).jobs["shop.buy"]
    assert (tally.processed, sum(tally.waited.values())) == (count, count)
    assert tally.waited_ms / count == pytest.approx(30_000 - 20_000 / count, rel=0.05)


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


def test_rounds_of_several_capsules_lose_none_of_each_others_attempts_while_they_are_taken() -> None:
    tracker = Tracker()
    rounds, each, capsules = 300, 10, 8
    start = threading.Barrier(capsules + 1)

    def count(number: int) -> None:
        ended = [execution(f"job{number % 3}", f"queue{number % 2}") for _ in range(each)]
        start.wait()
        for _ in range(rounds):
            tracker.add(ended)

    running = [threading.Thread(target=count, args=(number,)) for number in range(capsules)]
    for thread in running:
        thread.start()
    start.wait()
    taken: list[Window] = []
    while any(thread.is_alive() for thread in running):
        taken += tracker.take()
    taken += tracker.take()
    all_of_them = rounds * each * capsules
    assert sum(tally.processed for window in taken for tally in window.jobs.values()) == all_of_them
    assert sum(tally.processed for window in taken for tally in window.queues.values()) == all_of_them
    assert sum(sum(tally.waited.values()) for window in taken for tally in window.jobs.values()) == all_of_them


def test_a_round_of_different_jobs_queues_and_ends_counts_each_where_it_belongs() -> None:
    tracker = Tracker()
    tracker.add(
        [
            execution("a", "mail", took_s=0.1, waited_s=2.0),
            execution("b", "mail", took_s=40.0, waited_s=0.0),
            execution("a", "mail", failed=True, took_s=1.0, waited_s=0.0),
            execution("a", "low", failed=None),
            execution("a", "low", took_s=0.0, waited_s=0.0),
        ]
    )
    window = only(tracker.take())
    assert {name: (one.processed, one.failed) for name, one in window.jobs.items()} == {"a": (3, 1), "b": (1, 0)}
    assert {name: (one.processed, one.failed) for name, one in window.queues.items()} == {"mail": (3, 1), "low": (1, 0)}
    assert window.queues["mail"].took == {5: 1, 19: 1}
    assert window.jobs["a"].waited == {0: 2, 12: 1}


def test_what_was_no_attempt_makes_no_window() -> None:
    tracker = Tracker()
    attempt(tracker, failed=None)
    assert tracker.take() == []


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


def test_measuring_costs_little_beside_a_job() -> None:
    tracker = Tracker()
    ended = [execution() for _ in range(90)]
    timed = timeit.repeat(lambda: tracker.add(ended), number=20, repeat=50)
    assert min(timed) / 20 / 90 < 2e-6, "0.4 µs on a machine that has nothing else to do"


@pytest.fixture
def bench(app: App, raw: Any, start_worker: Start) -> Bench:
    return Bench(app, raw, start_worker)


# -- in a worker -------------------------------------------------------------------------------------------------


def of(kind: str, answer: Any) -> Callable[[], Any]:
    """A body that raises, or returns, the answer."""

    def body() -> Any:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def abody() -> Any:
        return body()

    return body if kind == "def" else abody


class Stop(BaseException):
    """What no ``except Exception`` sees."""


LATER = Retry(max=3, delay=3600)
ENDS: dict[str, tuple[Any, dict[str, Any], tuple[int, int]]] = {
    "good": (None, {}, (1, 0)),
    "cancels": (Cancel("not wanted"), {}, (1, 0)),
    "snoozes": (Snooze(3600), {}, (1, 0)),
    "snoozes.for.no.time": (Snooze(float("nan")), {"retry": LATER}, (1, 1)),
    "fails": (ValueError("no"), {"retry": LATER}, (1, 1)),
    "dies": (ValueError("no"), {"retry": False}, (1, 1)),
    "stops": (Stop(), {"retry": LATER}, (1, 1)),
    "raises.shutdown": (Shutdown(), {"retry": LATER}, (1, 1)),
    "held": (Hold("closed", delay_s=3600), {}, (0, 0)),
}


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_an_attempt_is_counted_whatever_its_end_and_what_was_none_is_not(kind: str, bench: Bench) -> None:
    for name, (answer, options, _counts) in ENDS.items():
        bench.app.job(name=name, **options)(of(kind, answer)).enqueue()
    bench.run().stop()
    counted = {name: (point.processed, point.failed) for name, point in bench.app.metrics.totals().items()}
    assert counted == {name: counts for name, (_answer, _options, counts) in ENDS.items() if counts != (0, 0)}


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_job_that_a_stop_interrupted_had_no_attempt(kind: str, bench: Bench) -> None:
    running = threading.Event()

    def body() -> None:
        running.set()
        while True:
            threading.Event().wait(0.01)

    async def abody() -> None:
        running.set()
        await asyncio.Event().wait()

    bench.app.job(name="long")(body if kind == "def" else abody).enqueue()
    worker = bench.start()
    assert running.wait(10)
    worker.stop(0.2)
    assert bench.app.metrics.totals() == {}
    assert bench.raw.llen(bench.key("queue:default")) == 1


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
