"""Around the body: what becomes of the lock of an inline run that is cancelled while it waits for Redis."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from support.loops import on_loop
from support.waiting import until

from .conftest import UniqueBench


def test_an_inline_run_that_is_cancelled_while_its_lock_is_taken_holds_none(bench: UniqueBench, raw: Any) -> None:
    ran: list[int] = []

    @bench.app.job(name="work", unique=True)
    async def work(number: int) -> None:
        ran.append(number)

    def asked() -> bool:
        return any(one["cmd"] in ("evalsha", "eval") for one in raw.client_list())

    async def cancelled() -> None:
        await work.inline(1)  # from here on the script is known
        raw.client_pause(60_000, all=False)
        running = asyncio.ensure_future(work.inline(7))
        try:
            await asyncio.to_thread(until, asked)
            running.cancel()
            await asyncio.sleep(0)
        finally:
            raw.client_unpause()
        with pytest.raises(asyncio.CancelledError):
            await running

    on_loop(bench.app, cancelled())
    assert ran == [1]
    assert bench.is_clean()
