"""The adapter for Celery; it never reads what Celery wrote to Redis and never turns on what is off by default."""

from __future__ import annotations

from collections.abc import Callable

from celery import Celery
from command_line import Enqueuer, body, main

# From "Optimizing" in Celery's user guide: many short tasks want a multiplier of 64, 128 or so.
TUNED = ("--prefetch-multiplier=128", "--without-gossip", "--without-mingle", "--without-heartbeat")
POOLS = {"prefork": ("--pool=prefork", "--concurrency=2"), "threads": ("--pool=threads", "--concurrency=10")}


def make_app(url: str) -> Celery:
    """An app without a result backend, with the one task."""
    app = Celery("versus", broker=url)
    app.conf.task_ignore_result = True
    app.conf.broker_connection_retry_on_startup = True
    app.task(name="noop")(body)
    return app


def enqueuer(url: str) -> Enqueuer:
    """``delay``, the documented short form."""
    app = make_app(url)
    return Enqueuer(one=lambda job: app.tasks["noop"].delay(*job), forget=app.control.purge)


def worker(*options: str) -> Callable[[str], None]:
    """``celery worker`` with ``options``, in this process."""
    return lambda url: make_app(url).worker_main(["worker", "--loglevel=WARNING", *options])


if __name__ == "__main__":
    variants = {name: worker(*options) for name, options in POOLS.items()}
    variants |= {f"{name}-tuned": worker(*options, *TUNED) for name, options in POOLS.items()}
    main(("celery", "kombu", "redis", "hiredis"), enqueuer, variants)
