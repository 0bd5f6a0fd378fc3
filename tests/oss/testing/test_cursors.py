"""Resumable jobs in a test: they go on where they were, as on a worker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from offsider import App, Retry, Snooze
from offsider.testing import fake


@pytest.fixture
def app() -> App:
    """One that never connects."""
    return App("redis://127.0.0.1:1", editions=[])


@pytest.mark.parametrize("kind", ["def", "async"])
def test_a_retry_goes_on_after_the_last_yield(app: App, kind: str) -> None:
    begun: list[Any] = []

    def threaded(cursor: int | None, last: int) -> Iterator[int]:
        begun.append(cursor)
        for number in range((cursor or 0) + 1, last + 1):
            if number == 3 and len(begun) == 1:
                raise ValueError("now")
            yield number

    async def looped(cursor: int | None, last: int) -> AsyncIterator[int]:
        for number in threaded(cursor, last):
            yield number

    job: Any = app.job(name="walk", retry=Retry(max=2))(threaded if kind == "def" else looped)
    with fake(app) as jobs:
        job.enqueue(5)
        job.enqueue(1)
        assert jobs.drain(raises=False) == 3
        assert sorted(begun, key=str) == [2, None, None]
        assert (jobs.jobs, jobs.retries) == ([], [])


def test_a_snooze_goes_on_after_the_last_yield_and_the_end_forgets_it(app: App) -> None:
    begun: list[Any] = []

    @app.job
    def walk(cursor: str | None) -> Iterator[str]:
        begun.append(cursor)
        if cursor is None:
            yield "half"
            return Snooze(60)
        yield "whole"
        return None

    with fake(app) as jobs:
        walk.enqueue()
        jobs.drain()
        jobs.drain()
        walk.enqueue()
        jobs.drain()
    assert begun == [None, "half", None]
