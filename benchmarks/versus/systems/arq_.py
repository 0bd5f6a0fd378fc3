"""The adapter for arq; it never keeps a result and never sets what arq's documentation does not name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import arq
import uvloop
from arq.connections import RedisSettings
from asynchronous import Enqueuer, body, main


async def job(_ctx: dict[Any, Any], text: str, number: int, options: dict[str, str]) -> None:
    """The job; arq hands a context to every job."""
    await body(text, number, options)


@asynccontextmanager
async def connected(url: str, _variant: str) -> AsyncIterator[Enqueuer]:
    """``enqueue_job`` on a pool."""
    pool = await arq.create_pool(RedisSettings.from_dsn(url))
    yield Enqueuer(one=lambda given: pool.enqueue_job("noop", *given), forget=pool.flushdb)
    await pool.aclose()


def worker(**options: Any) -> Callable[[str], None]:
    """``run_worker``, as arq's command line calls it, without a result and without its log of every job."""

    def run(url: str) -> None:
        if options:  # the tuned one
            uvloop.install()

        class WorkerSettings:
            functions = (arq.func(job, name="noop", keep_result=0),)
            redis_settings = RedisSettings.from_dsn(url)

        arq.run_worker(WorkerSettings, **options)

    return run


if __name__ == "__main__":
    # Its reference says what these do and recommends no values: 100 tasks, 10 ms and uvloop are ours.
    tuned = worker(max_jobs=100, poll_delay=0.01, log_results=False)
    main(("arq", "redis", "hiredis"), connected, {"default": worker(), "tuned": tuned})
