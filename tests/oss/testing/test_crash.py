"""Simulated deaths: where they happen, and what becomes of the job that was running."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from offsider import App
from offsider.errors import InvalidOption
from offsider.testing import Crash, crash_at, fake


@pytest.fixture
def app() -> App:
    """An app whose Redis nobody runs."""
    return App("redis://127.0.0.1:1/0", editions=[])


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("is_async", [False, True])
def test_the_job_that_pushes_is_lost_and_waits_again(app: App, after: bool, is_async: bool) -> None:
    steps: list[str] = []

    @app.job(name="mail")
    def mail(user: str) -> None: ...

    if is_async:

        @app.job(name="both")
        async def both() -> None:
            await mail.aenqueue("Ada")
            try:
                await mail.aenqueue("Grace")
            except Exception:
                steps.append("swallowed")
            steps.append("went on")
    else:

        @app.job(name="both")
        def both() -> None:
            mail.enqueue("Ada")
            try:
                mail.enqueue_many([("Grace",)])
            except Exception:
                steps.append("swallowed")
            steps.append("went on")

    with fake(app) as jobs:
        both.enqueue()
        with crash_at(app, 2, after=after) as crash:
            assert jobs.run_one(both).kind == "lost"
        assert (crash.crashed, crash.pushes, steps) == (True, 2, [])
        assert len(jobs.of(mail)) == (2 if after else 1)
        (again,) = jobs.of(both)
        assert again.record["crashes"] == 1
        assert again.attempt == 0, "no attempt was used"
        assert jobs.run_one(both).kind == "done"


def test_a_job_that_kills_every_process_is_dead_in_the_end(app: App) -> None:
    @app.job
    def mail() -> None: ...

    @app.job
    def poison() -> None:
        mail.enqueue()

    with fake(app) as jobs:
        poison.enqueue()
        for _ in range(4):
            with crash_at(app, 1):
                jobs.run_one(poison)
        assert [job.name for job in jobs.dead] == [poison.name]


def test_drain_leaves_a_lost_job_waiting(app: App) -> None:
    @app.job
    def mail() -> None: ...

    @app.job
    def both() -> None:
        mail.enqueue()

    with fake(app) as jobs:
        both.enqueue()
        with crash_at(app, 1):
            assert jobs.drain() == 1
        assert [job.name for job in jobs] == [both.name]
        assert jobs.drain() == 2


def test_outside_of_a_job_it_ends_whoever_pushes(app: App) -> None:
    @app.job
    def mail() -> None: ...

    async def main() -> None:
        with pytest.raises(Crash):
            await mail.aenqueue_many([()])

    with fake(app) as jobs:
        with crash_at(app, 1):
            asyncio.run(main())
            mail.enqueue()
        assert len(jobs) == 1
    assert not issubclass(Crash, Exception)


def test_the_number_is_one_or_more(app: App) -> None:
    with pytest.raises(InvalidOption, match="1 for the next push"), crash_at(app, 0):
        pass


def test_inline_calls_pass(app: App) -> None:
    @app.job
    def half(n: int) -> float:
        return n / 2

    @app.job
    async def third(n: int) -> float:
        return n / 3

    async def main() -> float:
        return await third.inline(6)

    with crash_at(app, 1):
        assert half.inline(3) == 1.5
        assert asyncio.run(main()) == 2


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("is_async", [False, True])
def test_a_resumable_job_dies_at_a_yield_and_goes_on_from_what_was_kept(app: App, after: bool, is_async: bool) -> None:
    done: list[int] = []

    if is_async:

        @app.job(name="walk")
        async def walk(cursor: int | None) -> AsyncIterator[int]:
            for n in range((cursor or 0) + 1, 5):
                done.append(n)
                yield n
    else:

        @app.job(name="walk")
        def walk(cursor: int | None) -> Iterator[int]:
            for n in range((cursor or 0) + 1, 5):
                done.append(n)
                yield n

    with fake(app) as jobs:
        walk.enqueue()
        with crash_at(app, 2, after=after, at="yield") as crash:
            assert jobs.run_one().kind == "lost"
        assert (crash.crashed, done) == (True, [1, 2])
        assert jobs.run_one().kind == "done"
        assert done == ([1, 2, 3, 4] if after else [1, 2, 2, 3, 4])
        walk.enqueue()
        jobs.drain()
        assert done[-4:] == [1, 2, 3, 4], "the next one begins anew"


def test_yields_need_jobs_that_run_here(app: App) -> None:
    for at, said in (("yield", "inside of fake"), ("end", "expected 'push' or 'yield'")):
        with pytest.raises(InvalidOption, match=said), crash_at(app, 1, at=at):
            pass
    with fake(app), crash_at(app, 1), crash_at(app, 1, at="yield") as cursors:
        assert not cursors.crashed
