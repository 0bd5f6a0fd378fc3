"""Timeouts: a body that runs too long is interrupted, one that ends in time never is, whatever the moment."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from offsider import App
from offsider.errors import JobTimeout
from offsider.worker import timekeeper as module
from offsider.worker.execution import Execution
from offsider.worker.timekeeper import Timekeeper
from offsider.worker.worker import Worker
from support.executions import execution
from support.waiting import until

FAR_S = 1000.0
tick = threading.Event()


@pytest.fixture
def timekeeper() -> Iterator[Timekeeper]:
    """One, stopped at the end."""
    one = Timekeeper()
    yield one
    one.stop()


def forever(_execution: Execution) -> None:
    while True:
        tick.wait(0.002)


# -- def jobs ------------------------------------------------------------------------------------------------------


def test_a_body_that_runs_too_long_gets_the_error_and_may_clean_up(timekeeper: Timekeeper) -> None:
    seen: list[str] = []

    def body(one: Execution) -> None:
        try:
            forever(one)
        except JobTimeout:
            seen.append("inside")
            raise
        finally:
            seen.append("cleaned up")

    with pytest.raises(JobTimeout) as raised:
        timekeeper.run(execution("abc", "mail.welcome"), 0.05, body)
    assert seen == ["inside", "cleaned up"]
    assert str(raised.value) == (
        "job 'mail.welcome' (abc) ran longer than its timeout of 0.05 s and was interrupted. Raise timeout=, or split"
        " the job"
    )
    assert isinstance(raised.value.__cause__, JobTimeout), "its traceback says where the body was"


def test_a_time_that_is_over_before_the_body_begins_is_said_like_any_other(
    timekeeper: Timekeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interruption may come at any instruction after the deadline is known, before the body's first, too."""
    add = timekeeper._add

    def add_and_dawdle(deadline_s: float, watch: Any) -> None:
        add(deadline_s, watch)
        while True:
            pass

    monkeypatch.setattr(timekeeper, "_add", add_and_dawdle)
    with pytest.raises(JobTimeout, match=r"ran longer than its timeout of 0.01 s"):
        timekeeper.run(execution(), 0.01, lambda _one: None)


def test_what_a_body_returns_and_raises_in_time_passes(timekeeper: Timekeeper) -> None:
    def broken(_execution: Execution) -> None:
        raise KeyError("mine")

    assert timekeeper.run(execution(), FAR_S, lambda _one: 42) == 42
    with pytest.raises(KeyError, match="mine"):
        timekeeper.run(execution(), FAR_S, broken)


def test_a_timeout_error_of_the_bodys_own_passes_as_it_is(timekeeper: Timekeeper) -> None:
    own = JobTimeout("the other side was slow")

    def body(_execution: Execution) -> None:
        raise own

    with pytest.raises(JobTimeout) as raised:
        timekeeper.run(execution(), FAR_S, body)
    assert raised.value is own


def test_a_body_that_ends_as_its_time_ends_has_one_end_and_nothing_arrives_later(timekeeper: Timekeeper) -> None:
    """Deadlines around the very end of the body, long before and long after: both ends occur, and nothing strays."""
    ends: Counter[str] = Counter()

    def attempt(number: int) -> None:
        duration_s = 0.3 if number % 75 == 0 else 0.002  # such a long one is interrupted, however late threads are
        until_s = time.monotonic() + duration_s

        def body(_execution: Execution) -> str:
            while time.monotonic() < until_s:
                pass
            return "returned"

        try:
            around_s = FAR_S if number % 75 == 1 else 0.002 + (number % 21 - 10) * 5e-5
            end = timekeeper.run(execution(), around_s, body)
        except JobTimeout as error:
            end = "interrupted" if "ran longer than" in str(error) else "strayed: an interruption without its message"
        ends[end] += 1
        for _instruction in range(2000):  # what would stray arrives here
            pass

    def many() -> None:
        for number in range(150):
            attempt(number)

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(many) for _ in range(2)]:
            future.result()
    assert sum(ends.values()) == 300
    assert ends.keys() == {"returned", "interrupted"}, ends


def test_an_earlier_deadline_that_comes_later_does_not_wait_for_the_first(timekeeper: Timekeeper) -> None:
    release = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        far = pool.submit(timekeeper.run, execution(), FAR_S, lambda _one: release.wait(20))
        until(lambda: timekeeper._heap)
        for timeout_s in (0.1, 0.02, 0.05):
            began_s = time.monotonic()
            with pytest.raises(JobTimeout):
                timekeeper.run(execution(), timeout_s, forever)
            assert time.monotonic() - began_s >= timeout_s
        release.set()
        assert far.result(10) is True


def test_ended_bodies_do_not_fill_the_memory(timekeeper: Timekeeper) -> None:
    one = execution()
    for _job in range(10_000):
        timekeeper.run(one, FAR_S, lambda _one: None)
    assert len(timekeeper._heap) <= 2 * module.FEWEST_ENDED + 2


def test_a_watch_that_still_runs_survives_the_clean_up(timekeeper: Timekeeper) -> None:
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(timekeeper.run, execution(), 1.0, forever)
        for _job in range(5 * module.FEWEST_ENDED):
            timekeeper.run(execution(), FAR_S, lambda _one: None)
        with pytest.raises(JobTimeout):
            slow.result(10)


def test_it_is_stopped_twice_and_also_when_it_never_started() -> None:
    one = Timekeeper()
    one.stop()
    two = Timekeeper()
    two.run(execution(), FAR_S, lambda _one: None)
    two.stop()
    two.stop()
    assert two._thread is not None
    two._thread.join(5)
    assert not two._thread.is_alive()


# -- in a worker ---------------------------------------------------------------------------------------------------


def failures(raw: redis.Redis) -> dict[str, dict[str, Any]]:
    """The retry set by the jobs' names."""
    members: Any = raw.zrange("{offsider}:retry", 0, -1)
    return {one["class"]: one for one in map(json.loads, members)}


def test_a_timeout_is_a_failure_like_any_other_for_def_and_async_jobs(
    app: App, start_worker: Callable[..., Worker], raw: redis.Redis
) -> None:
    cleaned: list[str] = []

    @app.job(name="slow", timeout=0.1)
    def slow() -> None:
        try:
            forever(execution())
        finally:
            cleaned.append("slow")

    @app.job(name="aslow", timeout=0.1)
    async def aslow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append("aslow")

    @app.job(name="own", timeout=60)
    async def own() -> None:
        raise TimeoutError("the other side was slow")

    @app.job(name="nested", timeout=60)
    async def nested() -> None:
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()

    @app.job(name="quick", timeout=60)
    def quick() -> None:
        cleaned.append("quick")

    jids = {one.name: one.enqueue() for one in (slow, aslow, own, nested, quick)}
    start_worker(app)
    until(lambda: len(failures(raw)) == 4 and "quick" in cleaned)
    assert sorted(cleaned) == ["aslow", "quick", "slow"]
    found = {name: (one["error_class"], one["error_message"]) for name, one in failures(raw).items()}
    text = "job {!r} ({}) ran longer than its timeout of 0.1 s and was {}. Raise timeout=, or split the job"
    ours = "offsider.errors.JobTimeout"
    assert found == {
        "slow": (ours, text.format("slow", jids["slow"], "interrupted")),
        "aslow": (ours, text.format("aslow", jids["aslow"], "cancelled")),
        "own": ("TimeoutError", "the other side was slow"),
        "nested": ("TimeoutError", ""),
    }
    assert {one["retry_count"] for one in failures(raw).values()} == {0}


def test_a_thread_that_was_interrupted_runs_the_next_job(
    make_app: Callable[..., App], start_worker: Callable[..., Worker], raw: redis.Redis
) -> None:
    app = make_app(worker={"concurrency": 1})
    threads: list[int] = []

    @app.job(name="slow", timeout=0.05, retry=False)
    def slow() -> None:
        threads.append(threading.get_ident())
        forever(execution())

    @app.job(name="next")
    def following() -> None:
        threads.append(threading.get_ident())

    for job in (slow, following, slow, following):
        job.enqueue()
    start_worker(app)
    until(lambda: len(threads) == 4)
    assert len(set(threads)) == 1
    until(lambda: not raw.keys("{offsider}:inflight:*"))
    assert failures(raw) == {}
