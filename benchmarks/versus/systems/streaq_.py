"""The adapter for streaq; it never stores a result and never sets what streaq's documentation does not name."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from asynchronous import Enqueuer, body, main
from streaq import Worker

# coredis reads it when it is imported: "Optimized mode" in its handbook.
OPTIMIZED = "COREDIS_OPTIMIZED"


def make_worker(url: str, **options: Any) -> Any:
    """A worker with the one task; streaq enqueues through it too."""
    worker = Worker(redis_url=url, **options)
    worker.task(name="noop", ttl=0)(body)
    return worker


@asynccontextmanager
async def connected(url: str, _variant: str) -> AsyncIterator[Enqueuer]:
    """``enqueue`` and ``enqueue_many``."""
    worker = make_worker(url)
    task = worker.registry["noop"]
    async with worker:
        yield Enqueuer(
            one=lambda job: awaited(task.enqueue(*job)),
            forget=lambda: awaited(worker.redis.flushdb()),
            many=lambda jobs: worker.enqueue_many([task.enqueue(*job) for job in jobs]),
        )


async def awaited(request: Any) -> None:
    """What streaq and coredis return can be awaited, yet is no coroutine."""
    await request


def default(url: str) -> None:
    """streaq's defaults."""
    make_worker(url).run_sync()


def tuned(url: str) -> None:
    """100 tasks, and both of "Worker optimization" in streaq's documentation."""
    if OPTIMIZED not in os.environ:
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, OPTIMIZED: "1"})
    make_worker(url, concurrency=100, anyio_kwargs={"use_uvloop": True}).run_sync()


if __name__ == "__main__":
    workers: dict[str, Callable[[str], None]] = {"default": default, "tuned": tuned}
    main(("streaq", "coredis", "uvloop"), connected, workers)
