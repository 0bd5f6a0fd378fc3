"""Attempts are counted once each, by many threads and both kinds of jobs, and reach the counters in Redis."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
import redis

from offsider import App, Cancel, Retry, Snooze, clock
from offsider.contract.middleware import ServerMiddleware
from offsider.contract.work import Hold
from offsider.metrics.track import CountMiddleware, Counts
from offsider.worker.worker import Worker
from support.waiting import until

Start = Callable[..., Worker]


def test_taking_counts_ends_them() -> None:
    counts = Counts()
    for failed in (False, True, False):
        counts.add(failed)
    assert counts.take() == (3, 1)
    assert counts.take() == (0, 0)


def test_counts_that_were_given_back_come_with_the_next() -> None:
    counts = Counts()
    counts.add(True)
    counts.give_back(5, 2)
    counts.add(False)
    assert counts.take() == (7, 3)


def test_threads_lose_none_of_each_others_counts_while_they_are_taken() -> None:
    counts = Counts()
    each, threads = 5_000, 8
    start = threading.Barrier(threads + 1)

    def count(failed: bool) -> None:
        start.wait()
        for _ in range(each):
            counts.add(failed)

    running = [threading.Thread(target=count, args=(number % 2 == 0,)) for number in range(threads)]
    for thread in running:
        thread.start()
    start.wait()
    taken = []
    while any(thread.is_alive() for thread in running):
        taken.append(counts.take())
    taken.append(counts.take())
    assert sum(processed for processed, _failed in taken) == each * threads
    assert sum(failed for _processed, failed in taken) == each * threads // 2


def test_what_is_counted_in_the_middle_of_a_take_is_left_for_the_next() -> None:
    class Busy(list[bool]):
        """Another thread counts just after this one has read."""

        def __getitem__(self, key: Any) -> Any:
            found = super().__getitem__(key)
            self.append(True)
            return found

    counts = Counts()
    counts._ended = Busy([False, True])
    assert counts.take() == (2, 1)
    counts._ended = list(counts._ended)
    assert counts.take() == (1, 1)


class Stop(BaseException):
    """What no ``except Exception`` sees."""


@pytest.mark.parametrize(("raised", "failed"), [(None, 0), (ValueError("no"), 1), (Stop(), 1)])
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_an_attempt_is_counted_whatever_its_end_and_its_end_is_passed_on(
    kind: str, raised: BaseException | None, failed: int
) -> None:
    counts = Counts()
    middleware = CountMiddleware(counts)

    def body(execution: Any) -> Any:
        if raised is not None:
            raise raised
        return execution

    async def abody(execution: Any) -> Any:
        return body(execution)

    def attempt() -> Any:
        if kind == "def":
            return middleware.call("job", body)
        return asyncio.run(middleware.acall("job", abody))

    if raised is None:
        assert attempt() == "job"
    else:
        with pytest.raises(type(raised)):
            attempt()
    assert counts.take() == (1, failed)


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


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_job_that_was_held_had_no_attempt(kind: str) -> None:
    counts = Counts()
    middleware = CountMiddleware(counts)

    def closed(_execution: Any) -> Any:
        raise Hold("closed", delay_s=5)

    async def aclosed(execution: Any) -> Any:
        return closed(execution)

    def attempt() -> Any:
        return middleware.call("job", closed) if kind == "def" else asyncio.run(middleware.acall("job", aclosed))

    with pytest.raises(Hold):
        attempt()
    assert counts.take() == (0, 0)


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
