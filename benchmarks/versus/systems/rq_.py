"""The adapter for RQ; it never changes a default and never counts a job: the driver looks at RQ's own keys."""

from __future__ import annotations

from collections.abc import Callable

from command_line import Enqueuer, main
from redis import Redis
from rq import Queue, SimpleWorker, Worker

# A job is named, not passed: RQ refuses functions of the module that is run as a script.
JOB = "command_line.body"


def enqueuer(url: str) -> Enqueuer:
    """``enqueue`` and ``enqueue_many``, each in its shortest form."""
    queue = Queue(connection=Redis.from_url(url))
    return Enqueuer(
        one=lambda job: queue.enqueue(JOB, *job),
        many=lambda jobs: queue.enqueue_many([Queue.prepare_data(JOB, job) for job in jobs]),
        forget=queue.empty,
    )


def worker(kind: type[Worker]) -> Callable[[str], None]:
    """One worker, which keeps a finished job for RQ's 500 s: to forget it at once costs six commands more."""

    def run(url: str) -> None:
        kind(["default"], connection=Redis.from_url(url)).work(logging_level="WARNING")

    return run


if __name__ == "__main__":
    main(("rq", "redis", "hiredis"), enqueuer, {"fork": worker(Worker), "simple": worker(SimpleWorker)})
