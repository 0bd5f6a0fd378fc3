"""Rounds: made by whoever ends the jobs while they are short, by the loop otherwise; nothing is lost in between."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import pytest

from offsider import App
from offsider.contract.work import Fenced, Settlement, UnitOfWork
from offsider.worker.ahead import ReadAheadFetcher
from offsider.worker.worker import Worker
from support.bench import Bench
from support.waiting import until

LOOP = "offsider-fetch-default"


class Watched(ReadAheadFetcher):
    """Notes which thread takes a reply; fails as the test says when that is a job's thread."""

    by: ClassVar[Counter[str]]
    fail: Any = None

    def finish(self) -> list[UnitOfWork]:
        """The jobs of the request on its way."""
        name = threading.current_thread().name
        self.by[name] += 1
        if self.fail is not None and name != LOOP:
            self.fail()
        return super().finish()


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> type[Watched]:
    """The fetcher of workers made from here on."""

    class Mine(Watched):
        by: ClassVar[Counter[str]] = Counter()

    monkeypatch.setattr("offsider.worker.worker.ReadAheadFetcher", Mine)
    return Mine


def by_jobs(watched: type[Watched]) -> int:
    return sum(count for name, count in watched.by.items() if name != LOOP)


def stream(app: App, count: int) -> list[int]:
    """Jobs of no length in the queue; the list has what ran."""
    ran: list[int] = []

    @app.job(name="note")
    def note(number: int) -> None:
        ran.append(number)

    note.enqueue_many((number,) for number in range(count))
    return ran


def test_short_jobs_are_fetched_by_the_thread_that_runs_them(bench: Bench, watched: type[Watched]) -> None:
    ran = stream(bench.app, 20_000)
    bench.run(timeout_s=30)
    assert sorted(ran) == list(range(20_000))
    assert by_jobs(watched) > 4 * watched.by[LOOP]


def test_jobs_that_wait_for_something_are_fetched_by_the_loop(bench: Bench, watched: type[Watched]) -> None:
    tick = threading.Event()

    @bench.app.job(name="wait")
    def wait(_number: int) -> None:
        tick.wait(0.0005)

    wait.enqueue_many((number,) for number in range(4000))
    bench.run(timeout_s=30)
    assert by_jobs(watched) <= watched.by[LOOP] + 2


def test_short_jobs_between_long_ones_use_every_slot(bench: Bench, watched: type[Watched]) -> None:
    """One thread has the short ones; a long one that it meets keeps no other from a free slot."""
    gate, inside = threading.Event(), threading.Semaphore(0)
    ran: list[int] = []

    @bench.app.job(name="job")
    def job(number: int) -> None:
        if number % 1000 == 999:
            inside.release()
            assert gate.wait(20)
        ran.append(number)

    job.enqueue_many((number,) for number in range(9000))
    bench.start(concurrency=10)
    for _ in range(9):
        assert inside.acquire(timeout=10), "a slot is free, and a long job waits"
    gate.set()
    until(bench.is_settled, 20)
    assert sorted(ran) == list(range(9000))
    assert by_jobs(watched)


@pytest.mark.parametrize("what", ["gone", "defect"])
def test_what_fails_on_a_jobs_thread_is_the_loops_care(
    bench: Bench, watched: type[Watched], caplog: pytest.LogCaptureFixture, what: str
) -> None:
    met: list[str] = []

    def fail(fetcher: Watched) -> None:
        if by_jobs(watched) % 20 == 0 and len(met) < 3:
            met.append(threading.current_thread().name)
            if what == "defect":
                raise ZeroDivisionError("a defect")
            fetcher._wire.drop()

    watched.fail = fail
    ran = stream(bench.app, 20_000)
    bench.run(timeout_s=30)
    assert sorted(ran) == list(range(20_000)), "each once: a lost reply is found again"
    assert len(met) == 3
    assert LOOP not in met
    assert ("a defect" if what == "defect" else "is gone") in caplog.text


def test_a_lease_that_was_lost_is_found_on_a_jobs_thread(bench: Bench, watched: type[Watched]) -> None:
    fenced: list[str] = []
    bench.app.events.on("fenced", fenced.append)

    def fail(fetcher: Watched) -> None:
        if by_jobs(watched) == 20:
            bench.raw.zrem(bench.key("owners"), fetcher.owner)
            bench.raw.delete(bench.key(f"inflight:{fetcher.owner}"))

    watched.fail = fail
    ran = stream(bench.app, 20_000)
    bench.run(timeout_s=30)
    assert len(fenced) == 1
    assert len(set(ran)) == len(ran) > 19_000, "what was in flight runs elsewhere, all else here, once"


def test_a_worker_that_is_stopped_amid_short_jobs_keeps_the_rest_for_others(
    bench: Bench, watched: type[Watched]
) -> None:
    count = 60_000
    ran = stream(bench.app, count)
    worker = bench.start()
    until(lambda: by_jobs(watched) > 20)
    worker.stop()
    rest = bench.raw.llen(bench.key("queue:default"))
    assert not bench.raw.keys(bench.key("inflight:*"))
    assert rest > 0
    assert (len(ran), len(set(ran))) == (count - rest, count - rest)


def test_fenced_again_and_again_amid_short_jobs_the_loop_takes_over_and_none_runs_twice(
    app: App, start_worker: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch, raw: Any
) -> None:
    """Fenced between two rounds of a job's thread, again and again: the loop takes over each time."""
    fences = [Fenced("x")] * 5

    class Mine(Watched):
        by: ClassVar[Counter[str]] = Counter()

        def exchange(self, settled: Sequence[Settlement], want: int) -> list[UnitOfWork]:
            """Fail a few times in the midst of the stream."""
            if len(ran) > 2000 and fences:
                raise fences.pop()
            return super().exchange(settled, want)

    monkeypatch.setattr("offsider.worker.worker.ReadAheadFetcher", Mine)
    ran = stream(app, 10_000)
    start_worker(app)
    until(lambda: not raw.exists("{offsider}:queue:default") and not fences, 20)
    until(lambda: len(set(ran)) >= 10_000 - 5 * 600, 20)
    assert len(ran) == len(set(ran))
