"""The adapter for docket; it never stores a result and never sets what docket's documentation does not name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import uvloop
from asynchronous import Enqueuer, body, command_of, main
from docket import Docket, Worker

TASKS = [body]
# "Fire-and-Forget Mode", "Core Settings" and "Redis Connection Pools" in its documentation for production.
# It calls minimum_check_interval the polling frequency and recommends no value for it: 10 ms and uvloop are ours.
DOCKETS: dict[str, dict[str, Any]] = {"default": {}, "tuned": {"execution_ttl": timedelta(0)}}
TUNED: dict[str, Any] = {"concurrency": 100, "minimum_check_interval": timedelta(milliseconds=10)}
CONNECTIONS = "?max_connections=200"


@asynccontextmanager
async def connected(url: str, variant: str) -> AsyncIterator[Enqueuer]:
    """``add`` and ``add_many``."""
    async with Docket(url=url, **DOCKETS[variant]) as docket:
        docket.register(body)
        yield Enqueuer(
            one=lambda job: docket.add(body)(*job),
            forget=lambda: forget(docket),
            many=lambda jobs: docket.add_many([docket.call(body)(*job) for job in jobs]),
        )


async def forget(docket: Docket) -> None:
    """Empty the database."""
    async with docket.redis() as client:
        await client.flushdb()


def default(url: str) -> None:
    """``docket worker``, docket's own command line, in the place of this process."""
    command_of("docket", "worker", "--tasks", "docket_:TASKS", "--url", url, "--logging-level", "WARNING")(url)


async def tuned(url: str) -> None:
    """What the command line has no options for; SIGTERM ends the process."""
    async with Docket(url=url + CONNECTIONS, **DOCKETS["tuned"]) as docket:
        docket.register(body)
        async with Worker(docket, **TUNED) as worker:
            await worker.run_forever()


if __name__ == "__main__":
    workers: dict[str, Callable[[str], None]] = {"default": default, "tuned": lambda url: uvloop.run(tuned(url))}
    main(("pydocket", "redis", "hiredis"), connected, workers)
