"""The adapter for huey; it never stores results and never looks into the queue."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from command_line import Enqueuer, body, main
from huey import RedisHuey


def make_huey(url: str) -> tuple[RedisHuey, Any]:
    """The queue and its one task."""
    huey = RedisHuey("versus", url=url, results=False)
    return huey, huey.task(name="noop")(body)


def enqueuer(url: str) -> Enqueuer:
    """Calling a task enqueues it."""
    huey, task = make_huey(url)
    return Enqueuer(one=lambda job: task(*job), forget=huey.flush)


def worker(threads: int) -> Callable[[str], None]:
    """The consumer with so many threads, in this process."""

    def run(url: str) -> None:
        logging.basicConfig(level=logging.WARNING)
        make_huey(url)[0].create_consumer(worker_type="thread", workers=threads).run()

    return run


if __name__ == "__main__":
    main(("huey", "redis", "hiredis"), enqueuer, {"threads": worker(10), "one-thread": worker(1)})
