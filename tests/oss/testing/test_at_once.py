"""Jobs that run where they are enqueued: their effects, their errors, and no Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import pytest

from offsider import App
from offsider.contract.middleware import NextSync, ServerMiddleware
from offsider.contract.work import Hold
from offsider.errors import InvalidOption, JobHeld
from offsider.testing import fake, inline


@pytest.fixture
def app() -> App:
    """An app whose Redis nobody runs."""
    return App("redis://127.0.0.1:1/0", editions=[], redis={"push_deadline_s": 0.05})


def test_a_job_has_run_when_enqueue_returns_and_others_that_it_enqueued(app: App) -> None:
    ran: list[object] = []

    @app.job
    def first(price: Decimal) -> None:
        second.using(delay=60).enqueue(3)
        ran.append(price)

    @app.job
    async def second(n: int) -> None:
        ran.append(n)

    with inline(app) as jobs:
        jid = first.enqueue(Decimal("1.5"))
        assert ran == [3, Decimal("1.5")]
        assert isinstance(jid, str)
        assert [one.kind for one in jobs.ran] == ["done", "done"]


def test_on_a_loop(app: App) -> None:
    ran: list[int] = []

    @app.job
    async def slow(n: int) -> None:
        ran.append(n)

    @app.job
    def quick(n: int) -> None:
        ran.append(n)

    async def main() -> None:
        await slow.aenqueue(1)
        await quick.aenqueue(2)
        await slow.aenqueue_many([(3,), (4,)])
        slow.enqueue(5)

    with inline(app):
        asyncio.run(main())
        quick.enqueue_many([(6,), (7,)])
    assert ran == [1, 2, 3, 4, 5, 6, 7]


def test_the_error_of_a_body_is_raised_by_enqueue(app: App) -> None:
    @app.job
    def fail() -> None:
        raise ValueError("broken")

    with inline(app) as jobs:
        with pytest.raises(ValueError, match="broken"):
            fail.enqueue()
        assert [one.kind for one in jobs.ran] == ["retry"]


def test_modes_exclude_each_other(app: App) -> None:
    with inline(app), pytest.raises(InvalidOption, match="'inline' already"), fake(app):
        pass


def test_inline_calls_go_on_as_always(app: App) -> None:
    @app.job
    def half(n: int) -> float:
        return n / 2

    @app.job
    async def third(n: int) -> float:
        return n / 3

    async def main() -> float:
        return await third.inline(6)

    with inline(app):
        assert half.inline(3) == 1.5
        assert asyncio.run(main()) == 2


def test_a_job_that_is_held_is_told_and_one_that_gives_way_goes_on(app: App) -> None:
    done: list[int] = []

    class Closed(ServerMiddleware):
        only = "sync"

        def call(self, execution: Any, next: NextSync) -> Any:
            if execution.job.name == "held":
                raise Hold("closed", delay_s=60)
            return next(execution)

    app.server_middleware.add("closed", Closed())

    @app.job(name="held")
    def held() -> None: ...

    @app.job(max_run_s=0.000001)
    def walk(cursor: int | None) -> Iterator[int]:
        for n in range((cursor or 0) + 1, 4):
            done.append(n)
            yield n

    @app.job(max_run_s=0.000001)
    async def awalk(cursor: int | None) -> AsyncIterator[int]:
        for n in range((cursor or 0) + 1, 4):
            done.append(n)
            yield n

    async def main() -> None:
        await awalk.aenqueue()

    with inline(app):
        walk.enqueue()
        asyncio.run(main())
        assert done == [1, 2, 3] * 2
        with pytest.raises(JobHeld, match="closed"):
            held.enqueue()
