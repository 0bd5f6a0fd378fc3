"""The adapter for taskiq, and the module its command line takes its broker from; it has no result backend."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from asynchronous import HERE, URL, Enqueuer, body, command_of, main
from redis.asyncio import Redis
from taskiq import AsyncBroker
from taskiq.__main__ import main as command_line
from taskiq_redis import ListQueueBroker, RedisStreamBroker

BROKERS: dict[str, Callable[..., AsyncBroker]] = {"stream": RedisStreamBroker, "list": ListQueueBroker}
ONE_PROCESS = ("--workers", "1", "--log-level", "WARNING", "--app-dir", HERE)
TUNED = ("--max-prefetch", "100")


def make_broker(kind: str, url: str) -> AsyncBroker:
    """A broker with the one task, on a queue named after its kind."""
    broker = BROKERS[kind](url, queue_name=f"taskiq-{kind}")
    broker.task(task_name="noop")(body)
    return broker


def stream() -> AsyncBroker:
    """What ``taskiq worker`` calls for the broker that acknowledges."""
    return make_broker("stream", os.environ[URL])


def plain_list() -> AsyncBroker:
    """What ``taskiq worker`` calls for the broker that does not."""
    return make_broker("list", os.environ[URL])


@asynccontextmanager
async def connected(url: str, variant: str) -> AsyncIterator[Enqueuer]:
    """``kiq``."""
    broker = make_broker(variant.partition("-")[0], url)
    await broker.startup()
    task: Any = broker.find_task("noop")
    yield Enqueuer(one=lambda job: task.kiq(*job), forget=lambda: forget(broker, url))
    await broker.shutdown()


async def forget(broker: AsyncBroker, url: str) -> None:
    """Empty the database and let the broker make its consumer group again."""
    async with Redis.from_url(url) as client:
        await client.flushdb()
    await broker.startup()


def worker(broker: str, *options: str, uvloop: bool) -> Callable[[str], None]:
    """``taskiq worker`` with one worker process below its main process.

    It takes uvloop wherever that is installed, so the variants without it run in a process that cannot import it.
    """
    words = ("worker", *ONE_PROCESS, *options, f"taskiq_:{broker}")

    def run(url: str) -> None:
        os.environ[URL] = url
        sys.modules["uvloop"] = None  # type: ignore[assignment]
        sys.argv[1:] = words
        command_line()

    return command_of("taskiq", *words) if uvloop else run


if __name__ == "__main__":
    variants = {
        "stream": worker("stream", uvloop=False),
        "stream-tuned": worker("stream", *TUNED, uvloop=True),
        "list": worker("plain_list", uvloop=False),
        "list-tuned": worker("plain_list", *TUNED, uvloop=True),
    }
    main(("taskiq", "taskiq-redis", "redis", "hiredis", "uvloop"), connected, variants)
