"""The adapter for SAQ, and the module its command line takes its settings from; it never keeps a result."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvloop
from asynchronous import URL, Enqueuer, body, command_of, main
from saq import Queue

NEVER_KEPT = -1


async def noop(_ctx: dict[str, Any], *, text: str, number: int, options: dict[str, str]) -> None:
    """The job; SAQ hands a context to every job, and takes arguments by name only."""
    await body(text, number, options)


@asynccontextmanager
async def connected(url: str, _variant: str) -> AsyncIterator[Enqueuer]:
    """``enqueue``; SAQ's ``map`` waits for the results, so it is no way to enqueue many."""
    queue = Queue.from_url(url)
    await queue.connect()
    yield Enqueuer(
        one=lambda job: queue.enqueue("noop", text=job[0], number=job[1], options=job[2], ttl=NEVER_KEPT),
        forget=queue.redis.flushdb,
    )
    await queue.disconnect()


def default() -> dict[str, Any]:
    """SAQ's settings with its defaults."""
    return {"queue": Queue.from_url(os.environ[URL]), "functions": [noop]}


def tuned() -> dict[str, Any]:
    """The same with 100 tasks; asked for before the worker has its loop."""
    uvloop.install()
    return {**default(), "concurrency": 100}


if __name__ == "__main__":
    workers = {name: command_of("saq", f"saq_.{name}") for name in ("default", "tuned")}
    main(("saq", "redis", "hiredis"), connected, workers)
