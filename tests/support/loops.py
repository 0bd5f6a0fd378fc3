"""One event loop for one thing to do, left without a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from offsider import App


def on_loop(app: App, awaitable: Awaitable[Any]) -> Any:
    """What ``awaitable`` returns, on a loop of its own; the app's connections of that loop are dropped."""

    async def whole() -> Any:
        try:
            return await awaitable
        finally:
            await app.client.aclose()

    return asyncio.run(whole())
