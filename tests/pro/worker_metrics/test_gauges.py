"""What a process has used: read from the system, for one thread, and for one task among others."""

from __future__ import annotations

import asyncio
import mmap
import sys
import time
from typing import Any

import pytest

from offsider_pro.worker_metrics import gauges


def burn(seconds: float) -> None:
    """Use the processor."""
    until_s = time.thread_time() + seconds
    while time.thread_time() < until_s:
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says it this way")
def test_memory_grows_with_what_is_kept() -> None:
    before = gauges.memory_bytes()
    kept = mmap.mmap(-1, 30_000_000)  # what the allocator gives may be what it has had for long
    kept.write(b"x" * 30_000_000)
    after = gauges.memory_bytes()
    assert before is not None
    assert after is not None
    assert 20_000_000 < after - before < 70_000_000
    kept.close()


def test_blocks_count_objects() -> None:
    before = gauges.blocks()
    kept = [object() for _ in range(10_000)]
    assert 9_000 < gauges.blocks() - before < 30_000
    del kept


def test_the_time_of_a_task_is_without_that_of_others() -> None:
    async def mine() -> str:
        burn(0.02)
        await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        burn(0.02)
        return "done"

    async def both() -> tuple[str, float]:
        steps = gauges.CountedSteps(mine())

        async def counted() -> Any:
            return await steps

        async def other() -> None:
            for _ in range(5):
                burn(0.02)
                await asyncio.sleep(0)

        result, _ = await asyncio.gather(counted(), other())
        return result, steps.cpu_s

    result, cpu_s = asyncio.run(both())
    assert result == "done"
    assert 0.04 <= cpu_s < 0.07


def test_errors_and_cancellations_go_into_the_job_and_out_of_it() -> None:
    seen: list[str] = []

    async def job() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def cancelled() -> None:
        steps = gauges.CountedSteps(job())

        async def counted() -> Any:
            return await steps

        task = asyncio.create_task(counted())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError("no")

    async def failed() -> None:
        await gauges.CountedSteps(fails())

    asyncio.run(cancelled())
    assert seen == ["cancelled"]
    with pytest.raises(ValueError, match="no"):
        asyncio.run(failed())
