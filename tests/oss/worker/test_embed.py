"""A worker inside another program: started and stopped by a block, known as embedded, and started anew."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from typing import Any

import pytest

from offsider import App
from offsider.errors import StoreError
from offsider.worker.embed import embed


def test_jobs_run_inside_of_the_block_and_signals_are_left_alone(app: App, raw: Any) -> None:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    ran = threading.Event()

    @app.job(queue="mail")
    def mail() -> None:
        ran.set()

    with embed(app, queues=["mail"], concurrency=2) as worker:
        assert {number: signal.getsignal(number) for number in handlers} == handlers
        mail.enqueue()
        assert ran.wait(20)
        assert worker.healthy()
        (identity,) = raw.smembers(app.keys.processes)
        info = json.loads(raw.hget(app.keys.process(identity.decode()), "info"))
        assert (info["embedded"], info["concurrency"], info["queues"]) == (True, 2, ["mail"])
    assert raw.scard(app.keys.processes) == 0
    assert not worker.healthy()


def test_on_a_loop(app: App) -> None:
    async def main() -> None:
        ran = asyncio.Event()
        loop = asyncio.get_running_loop()

        @app.job
        async def mail() -> None:
            loop.call_soon_threadsafe(ran.set)

        async with embed(app):
            await mail.aenqueue()
            async with asyncio.timeout(20):
                await ran.wait()
        await app.aclose()

    asyncio.run(main())


def test_it_may_be_quiet_and_started_anew(app: App, raw: Any) -> None:
    ran = threading.Semaphore(0)

    @app.job
    def mail() -> None:
        ran.release()

    worker = embed(app, grace_s=1)
    worker.quiet()
    worker.stop()
    worker.start()
    worker.start()
    worker.quiet()
    mail.enqueue()
    worker.stop()
    worker.stop()
    assert raw.llen(app.keys.queue("default")) == 1, "quiet: it was not taken"
    worker.start()
    assert ran.acquire(timeout=20)
    worker.stop()


def test_a_start_without_redis_is_told_and_may_be_tried_again() -> None:
    app = App("redis://127.0.0.1:1/0", editions=[])
    worker = embed(app)
    for _ in range(2):
        with pytest.raises(StoreError):
            worker.start()
    assert worker.worker is None
    app.close()
