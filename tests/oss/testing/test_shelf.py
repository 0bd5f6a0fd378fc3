"""Where the jobs of a test lie after a run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from offsider import App
from offsider.testing import fake


@pytest.fixture
def app() -> App:
    """An app whose Redis nobody runs."""
    return App("redis://127.0.0.1:1/0", editions=[])


def test_a_resumable_job_gives_way_after_its_longest_run_and_goes_on(app: App) -> None:
    done: list[int] = []

    @app.job(max_run_s=0.000001)
    def walk(cursor: int | None) -> Iterator[int]:
        for n in range((cursor or 0) + 1, 4):
            done.append(n)
            yield n

    with fake(app) as jobs:
        walk.enqueue()
        assert jobs.drain() == 1
        assert (done, len(jobs)) == ([1], 1)
        while len(jobs):
            jobs.drain()
        assert done == [1, 2, 3]
