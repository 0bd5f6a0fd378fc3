"""The worker as a whole, on a real server."""

from __future__ import annotations

import threading
from collections.abc import Callable

import redis

from offsider import App
from offsider.worker.worker import Worker
from support.waiting import until

Start = Callable[..., Worker]


def test_a_def_job_runs_and_nothing_is_left(app: App, start_worker: Start, raw: redis.Redis) -> None:
    ran: list[int] = []
    done = threading.Event()

    @app.job(name="add")
    def add(a: int, b: int) -> None:
        ran.append(a + b)
        done.set()

    start_worker(app)
    add.enqueue(1, 2)
    assert done.wait(10)
    assert ran == [3]
    until(lambda: not raw.keys("{offsider}:inflight:*"))
