"""Resumable jobs: who enqueues leaves the cursor out, who calls the function gives it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from datetime import timedelta
from typing import Any, assert_type

from offsider import CONTEXT, App, Cancel, Context, ResumableJob, Snooze

app = App("redis://localhost:6379/0", editions=[])


@app.job
def backfill(cursor: int | None, table: str) -> Iterator[int]:
    """A bare decorator."""
    for row in range(cursor or 0, 10):
        print(table)
        yield row


@app.job(queue="slow", max_run_s=timedelta(minutes=10))
def export(cursor: tuple[str, int] | None, *, day: str, ctx: Context = CONTEXT) -> Iterator[tuple[str, int]]:
    """Options, keywords and a context."""
    yield day, ctx.attempt


@app.job(max_run_s=60)
async def crawl(cursor: str | None, start: str, most: int = 10) -> AsyncIterator[str]:
    """On the event loop."""
    yield cursor or start


@app.job
def poll(cursor: int | None) -> Generator[int | Cancel, None, Snooze | None]:
    """Ends are returned, or yielded."""
    yield 1
    yield Cancel("enough")
    return Snooze(30)


@app.job
def names(prefix: str) -> list[str]:
    """A job like any other."""
    return [prefix]


async def enqueue() -> None:
    """Without the cursor."""
    assert_type(backfill.enqueue("users"), str | None)
    assert_type(backfill.using(delay=60, max_run_s=5).enqueue(table="users"), str | None)
    assert_type(export.enqueue(day="monday"), str | None)
    assert_type(poll.enqueue(), str | None)
    assert_type(await crawl.aenqueue("https://example.org", most=3), str | None)
    assert_type(names.enqueue("a"), str | None)


def call() -> None:
    """With the cursor: the function's own generator."""
    assert_type(backfill(None, "users"), Iterator[int])
    assert_type(list(backfill(7, "users")), list[int])
    assert_type(crawl(None, "https://example.org"), AsyncIterator[str])
    assert_type(names("a"), list[str])
    result: Any = backfill.inline("users")
    print(result, from_the_start(backfill))


def from_the_start(job: ResumableJob[int | None, [str], Iterator[int]]) -> list[int]:
    """Takes any such job."""
    return list(job(None, "users"))
