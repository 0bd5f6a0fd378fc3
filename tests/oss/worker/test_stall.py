"""A job that blocks the event loop is named, once, with the line it is at."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from offsider import App
from offsider.worker.stall import StallWatch
from offsider.worker.tasks import LoopThread
from offsider.worker.worker import Worker
from support.waiting import until

STALL_S = 0.1


@pytest.fixture
def loop_thread() -> Iterator[LoopThread]:
    """A running loop."""
    one = LoopThread()
    one.start()
    yield one
    one.stop()


@pytest.fixture
def watch(loop_thread: LoopThread) -> Iterator[StallWatch]:
    """A watch of a loop that runs no job."""
    one = StallWatch(loop_thread, list, STALL_S)
    one.start()
    yield one
    one.stop()


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines about stalls."""
    return [one.getMessage() for one in caplog.records if "has blocked the event loop" in one.getMessage()]


def test_the_job_that_blocks_is_named_once_for_each_time(
    make_app: Callable[..., App], start_worker: Callable[..., Worker], caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(worker={"loop_stall_s": STALL_S})
    release, gently = threading.Event(), asyncio.Event()

    @app.job(name="mail.blocks")
    async def blocks(number: int) -> None:
        release.wait(20)

    @app.job(name="mail.waits")
    async def waits() -> None:
        await gently.wait()

    worker = start_worker(app)
    waits.enqueue()
    until(lambda: worker.busy() == 1)
    jid = blocks.enqueue(1)
    until(lambda: told(caplog))
    (text,) = told(caplog)
    assert text.startswith(f"job mail.blocks ({jid}) has blocked the event loop for 0.1 s: every async job")
    assert "make it a def job" in text
    assert "release.wait(20)" in text, "the line it is at"

    watch = dict(worker.services.items())["stall watch"]
    assert isinstance(watch, StallWatch)
    for _round in range(20):
        watch.tick()  # it asks far more often than it tells
    assert len(told(caplog)) == 1
    release.set()
    until(lambda: worker.busy() == 1)

    release.clear()
    again = blocks.enqueue(2)
    until(lambda: len(told(caplog)) == 2)
    assert f"({again})" in told(caplog)[1]
    release.set()
    loop = worker.loop_thread.loop
    assert loop is not None
    loop.call_soon_threadsafe(gently.set)
    until(lambda: worker.busy() == 0)


def test_what_blocks_and_is_no_job_is_told_too(
    loop_thread: LoopThread, watch: StallWatch, caplog: pytest.LogCaptureFixture
) -> None:
    release = threading.Event()
    assert loop_thread.loop is not None
    loop_thread.loop.call_soon_threadsafe(release.wait, 20)
    until(lambda: told(caplog))
    release.set()
    assert told(caplog)[0].startswith("something that is no job has blocked the event loop for 0.1 s")


def test_a_loop_that_answers_is_no_word_worth(loop_thread: LoopThread, caplog: pytest.LogCaptureFixture) -> None:
    assert loop_thread.loop is not None
    watch = StallWatch(loop_thread, list, 0.001)
    for _round in range(20):
        assert watch.tick() == 0.001 / 4
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop_thread.loop).result(10)
    assert told(caplog) == []


def test_a_worker_without_async_jobs_has_no_loop_to_watch() -> None:
    loop_thread = LoopThread()
    assert StallWatch(loop_thread, list, STALL_S).tick() == 1.0
    assert loop_thread.loop is None
