"""Resumable jobs where nothing is kept: which functions they are, how they are called, and run through."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from offsider import CONTEXT, App, Cancel, Context, Snooze
from offsider.errors import InvalidArguments, InvalidOption
from offsider.job.resumable import ResumableJob
from offsider.job.signature import takes_cursor


@pytest.fixture
def app() -> App:
    """One that never connects."""
    return App("redis://127.0.0.1:1", editions=[])


def walk(cursor: int | None, last: int, ctx: Context = CONTEXT, *, start: int = 0) -> Iterator[int]:
    """Yields numbers."""
    for number in range((cursor or start) + 1, last + 1):
        assert ctx.name in ("", "walk")
        yield number


async def awalk(cursor: int | None, last: int) -> AsyncIterator[int]:
    """The same."""
    for number in range((cursor or 0) + 1, last + 1):
        yield number


def unnamed(place: int | None) -> Iterator[int]:
    yield 1


def second(last: int, cursor: int | None) -> Iterator[int]:
    yield 1


def keyword(*, cursor: int | None) -> Iterator[int]:
    yield 1


def no_generator(cursor: int) -> int:
    return cursor


def placed(cursor: int | None, /, last: int) -> Iterator[int]:
    yield last


def test_a_generator_with_a_first_parameter_cursor_is_resumable(app: App) -> None:
    for fn, is_async in ((walk, False), (awalk, True), (placed, False)):
        job: Any = app.job(fn)
        assert isinstance(job, ResumableJob)
        assert (takes_cursor(fn), job.resumable, job.is_async) == (True, job, is_async)
    plain: Any = app.job(no_generator)
    assert (takes_cursor(no_generator), plain.resumable, plain(7)) == (False, None, 7)


@pytest.mark.parametrize("fn", [unnamed, second, keyword])
def test_any_other_generator_is_refused_with_what_to_do(app: App, fn: Any) -> None:
    assert not takes_cursor(fn)
    with pytest.raises(InvalidOption, match="Call its first parameter cursor, and it is a resumable job"):
        app.job(fn)
    assert app.jobs == {}


def test_a_call_takes_the_cursor_and_gives_the_generator(app: App) -> None:
    job = app.job(name="walk")(walk)
    assert list(job(None, 3)) == [1, 2, 3]
    assert list(job(1, 3, start=9)) == [2, 3]
    assert inspect.signature(job) == inspect.signature(walk)


def test_the_cursor_is_no_part_of_the_wire(app: App) -> None:
    job = app.job(name="walk")(walk)
    assert job.arguments.encode((3,), {"start": 1}) == ([3], {"start": 1})
    assert job.arguments.encode((), {"last": 3}) == ([3], {})
    assert job.arguments.decode([3], {"start": 1}) == ([3], {"start": 1})
    for args, kwargs in [((None, 3), {"start": "x"}), ((), {}), ((1, 2), {})]:
        with pytest.raises(InvalidArguments):
            job.arguments.encode(args, kwargs)


def test_who_gives_the_cursor_is_told_to_leave_it_out(app: App) -> None:
    @app.job(name="others")
    def others(cursor: int | None, **names: Any) -> Iterator[int]:
        yield 1

    for job in (app.job(name="walk")(walk), others):
        with pytest.raises(InvalidArguments, match="cursor is filled in by the worker; leave it out"):
            job.arguments.encode((3,) if job.name == "walk" else (), {"cursor": 7})


def test_an_unknown_annotation_is_told_as_for_any_job(app: App) -> None:
    @app.job
    def lost(cursor: Nowhere | None) -> Iterator[int]:  # type: ignore[name-defined]  # noqa: F821
        yield 1

    with pytest.raises(InvalidArguments, match="'Nowhere' is not known"):
        _ = lost.cursor


# -- run through -----------------------------------------------------------------------------------------------


def test_inline_runs_from_the_beginning_to_the_end(app: App) -> None:
    done: list[int] = []

    @app.job
    def count(cursor: int | None, last: int) -> Iterator[int]:
        for number in walk(cursor, last):
            done.append(number)
            yield number
        return f"up to {last}"

    @app.job
    async def acount(cursor: int | None, last: int) -> AsyncIterator[int]:
        async for number in awalk(cursor, last):
            done.append(number)
            yield number

    assert count.inline(3) == "up to 3"
    assert done == [1, 2, 3]
    done.clear()
    assert asyncio.run(acount.inline(2)) is None
    assert done == [1, 2]


@pytest.mark.parametrize("end", [Snooze(5), Cancel("enough")], ids=str)
def test_inline_ends_where_the_job_says_so(app: App, end: Any) -> None:
    closed: list[str] = []

    @app.job
    def one(cursor: int | None) -> Iterator[Any]:
        try:
            yield 1
            yield end
            yield 2
        finally:
            closed.append("def")

    @app.job
    async def two(cursor: int | None) -> AsyncIterator[Any]:
        try:
            yield 1
            yield end
            yield 2
        finally:
            closed.append("async")

    assert one.inline() is end
    assert asyncio.run(two.inline()) is end
    assert closed == ["def", "async"]


def test_inline_refuses_what_a_worker_could_not_keep(app: App) -> None:
    @app.job
    def one(cursor: int | None) -> Iterator[Any]:
        yield
        yield "x"

    with pytest.raises(InvalidArguments, match="yields 'x'"):
        one.inline()


# -- max_run_s ---------------------------------------------------------------------------------------------------


def test_max_run_s_is_for_resumable_jobs(app: App) -> None:
    job = app.job(max_run_s=60, name="walk")(walk)
    assert job.options.max_run_s == 60
    assert job.using(max_run_s=None)._options.max_run_s is None
    with pytest.raises(InvalidOption, match="has max_run_s=60, but no yield"):
        app.job(max_run_s=60, name="plain")(no_generator)
    plain = app.job(name="plain")(no_generator)
    with pytest.raises(InvalidOption, match="job 'plain' has max_run_s=5"):
        plain.using(max_run_s=5)
