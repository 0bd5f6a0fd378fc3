"""The adapter for dramatiq, and the module its command line imports; it never touches a message."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import dramatiq
from command_line import HERE, Enqueuer, body, main
from dramatiq.brokers.redis import RedisBroker

URL = "VERSUS_URL"
PREFETCH = "1000"  # messages; the reference names the variable, 100 to 10,000 were alike


def make_actor(url: str) -> dramatiq.Actor:
    """The one actor, on a broker with the default middleware and no results."""
    dramatiq.set_broker(RedisBroker(url=url))
    return dramatiq.actor(body, actor_name="noop")


def enqueuer(url: str) -> Enqueuer:
    """``send``."""
    actor = make_actor(url)
    return Enqueuer(one=lambda job: actor.send(*job), forget=lambda: actor.broker.flush(actor.queue_name))


def worker(**environment: str) -> Callable[[str], None]:
    """dramatiq's own command line, which takes the place of this process: one worker process, ten threads."""

    def run(url: str) -> None:
        command = [sys.executable, "-m", "dramatiq", "dramatiq_", "--path", HERE, "--skip-logging"]
        command += ["--processes", "1", "--threads", "10"]
        os.execve(command[0], command, {**os.environ, URL: url, **environment})

    return run


if __name__ == "__main__":
    variants = {"default": worker(), "prefetch": worker(dramatiq_queue_prefetch=PREFETCH)}
    main(("dramatiq", "redis", "hiredis"), enqueuer, variants)
elif URL in os.environ:
    make_actor(os.environ[URL])
