"""A job that runs twice, and after simulated deaths, must leave what it leaves when it runs once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from offsider import App, Context
from offsider.testing import assert_idempotent, fake


@pytest.fixture
def app() -> App:
    """An app whose Redis nobody runs."""
    return App("redis://127.0.0.1:1/0", editions=[])


def test_a_job_that_counts_is_not_idempotent(app: App) -> None:
    counts: list[int] = []

    @app.job(name="count")
    def count(n: int) -> None:
        counts.append(n)

    with pytest.raises(AssertionError) as failed:
        assert_idempotent(count, 1, state=lambda: len(counts), crashes=False)
    assert "count is not idempotent" in str(failed.value)
    assert "after the first run:  1" in str(failed.value)
    assert "after the second run: 2" in str(failed.value)


@pytest.mark.parametrize("is_async", [False, True])
def test_it_dies_before_and_after_each_push_and_runs_again(app: App, is_async: bool) -> None:
    started: list[str] = []
    mailed: set[str] = set()

    @app.job(name="mail")
    def mail(user: str) -> None: ...

    if is_async:

        @app.job
        async def both(ctx: Context) -> str:
            started.append(ctx.jid)
            await mail.aenqueue("Ada")
            mailed.add(ctx.jid)
            await mail.aenqueue("Grace")
            return "sent"
    else:

        @app.job
        def both(ctx: Context) -> str:
            started.append(ctx.jid)
            mail.enqueue("Ada")
            mailed.add(ctx.jid)
            mail.enqueue_many([("Grace",)])
            return "sent"

    runs = assert_idempotent(both, state=lambda: sorted(mailed))
    assert len(set(started)) == 1, "one id, however often it runs"
    assert runs.crashes == 4, "two pushes, before and after each"
    assert runs.results == ["sent", "sent"]
    assert runs.enqueued == [["mail('Ada')", "mail('Grace')"]] * 2
    assert runs.states == [[started[0]]] * 2


def test_an_error_of_the_body_is_raised(app: App) -> None:
    @app.job
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        assert_idempotent(fail)


def test_inside_of_fake_nothing_of_it_is_kept(app: App) -> None:
    @app.job
    def mail() -> None: ...

    @app.job
    def one() -> None:
        mail.enqueue()

    with fake(app) as jobs:
        assert_idempotent(one)
        assert jobs.jobs == []


def test_on_a_loop_that_runs(app: App) -> None:
    @app.job
    async def one() -> int:
        return 1

    async def main() -> list[int]:
        return assert_idempotent(one).results

    assert asyncio.run(main()) == [1, 1]


def test_a_resumable_job_dies_at_its_first_yields_too(app: App) -> None:
    done: list[int] = []

    @app.job
    def walk(cursor: int | None) -> Iterator[int]:
        for n in range((cursor or 0) + 1, 4):
            done.append(n)
            yield n

    runs = assert_idempotent(walk, state=lambda: sorted(set(done)))
    assert runs.crashes == 2
    assert runs.states == [[1, 2, 3]] * 2
    assert done[:3] == [1, 1, 2], "before the cursor was kept, after it, and on from there"
