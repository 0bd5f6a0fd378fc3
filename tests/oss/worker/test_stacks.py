"""The stacks of threads and tasks: where each is, and which job it runs."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable

from offsider import App
from offsider.worker.stacks import stacks
from offsider.worker.tasks import LoopThread
from offsider.worker.worker import Worker


def test_every_thread_is_shown_with_its_name_and_the_job_it_runs() -> None:
    release, ready = threading.Event(), threading.Event()

    def innermost() -> None:
        ready.set()
        release.wait(20)

    thread = threading.Thread(target=innermost, name="painter")
    thread.start()
    assert ready.wait(10)
    assert thread.ident is not None
    text = stacks([], {thread.ident: "mail.welcome 0123"})
    release.set()
    thread.join()
    parts = {part.splitlines()[0]: part for part in re.split(r"\n(?=Thread )", text)}
    shown = parts[f"Thread painter ({thread.ident}) running mail.welcome 0123"]
    assert "in innermost" in shown
    (mine,) = [part for head, part in parts.items() if head == f"Thread MainThread ({threading.main_thread().ident})"]
    assert "test_every_thread_is_shown" in mine


def test_a_task_is_shown_down_to_what_it_waits_for() -> None:
    loop_thread = LoopThread()
    loop = loop_thread.start()
    ready = threading.Event()

    async def outer() -> None:
        await middle()

    async def middle() -> None:
        await innermost()

    async def innermost() -> None:
        ready.set()
        await asyncio.get_running_loop().create_future()

    async def begin() -> asyncio.Task[None]:
        return asyncio.create_task(outer(), name="painter")

    task = asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
    assert ready.wait(10)
    text = stacks([loop], {})
    loop.call_soon_threadsafe(task.cancel)
    loop_thread.stop()
    (shown,) = [part for part in re.split(r"\n(?=Task )", text) if part.startswith("Task painter")]
    assert re.findall(r"in (outer|middle|innermost)\b", shown) == ["outer", "middle", "innermost"]


def test_an_idle_worker_has_stacks_and_no_jobs(app: App, start_worker: Callable[..., Worker]) -> None:
    worker = start_worker(app)
    heads = re.findall(r"^(?:Thread|Task) .*", worker.stacks(), re.MULTILINE)
    assert any("offsider-fetch-default" in head for head in heads)
    assert not [head for head in heads if " running " in head]
