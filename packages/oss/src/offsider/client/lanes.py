"""Producer lanes: a connection with an id and a counter, so that a repeated push is known. Knows no jobs."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ..store.connection import Connections
from ..store.wire import AsyncWire, Wire

READ_TIMEOUT_S = 5.0


class _Numbered:
    """An id, and how many pushes were numbered under it."""

    __slots__ = ("id", "number")

    def __init__(self) -> None:
        self.rename()

    def rename(self) -> None:
        """Begin anew under another id."""
        self.id = os.urandom(9).hex()
        self.number = 0


class Lane(_Numbered):
    """One lane: used by one caller at a time, its pushes numbered from 1."""

    __slots__ = ("wire",)

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self.wire = wire


class AsyncLane(_Numbered):
    """The same on an event loop."""

    __slots__ = ("wire",)

    def __init__(self, wire: AsyncWire) -> None:
        super().__init__()
        self.wire = wire


class Lanes:
    """As many lanes as callers at once; the one used last is used next. A forked child begins with none."""

    def __init__(self, connections: Connections, *, longest_s: float = READ_TIMEOUT_S) -> None:
        self._connections = connections
        self._longest_s = longest_s
        self._read_s = min(READ_TIMEOUT_S, longest_s)
        self._free: list[Lane] = []
        self._pid = os.getpid()

    def take(self) -> Lane:
        """A lane of the caller's own; `give` it back."""
        if self._pid != os.getpid():
            self._pid, self._free = os.getpid(), []
        try:
            return self._free.pop()
        except IndexError:
            return Lane(self._connections.wire("push", read_timeout_s=self._read_s, connect_timeout_s=self._longest_s))

    def give(self, lane: Lane) -> None:
        """Take a lane back."""
        self._free.append(lane)

    def close(self) -> None:
        """Drop the connections of all free lanes."""
        while self._free:
            self._free.pop().wire.close()


class AsyncLanes:
    """Lanes for each event loop: a connection belongs to its loop."""

    def __init__(self, connections: Connections, *, longest_s: float = READ_TIMEOUT_S) -> None:
        self._connections = connections
        self._longest_s = longest_s
        self._read_s = min(READ_TIMEOUT_S, longest_s)
        self._free: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, list[AsyncLane]] = weakref.WeakKeyDictionary()

    @asynccontextmanager
    async def lane(self) -> AsyncIterator[AsyncLane]:
        """A lane for one push."""
        free = self._free.setdefault(asyncio.get_running_loop(), [])
        lane = free.pop() if free else self._made()
        try:
            yield lane
        finally:
            free.append(lane)

    def _made(self) -> AsyncLane:
        wire = self._connections.awire("push", read_timeout_s=self._read_s, connect_timeout_s=self._longest_s)
        return AsyncLane(wire)

    async def close(self) -> None:
        """Drop the connections of the running loop's free lanes."""
        for lane in self._free.pop(asyncio.get_running_loop(), []):
            await lane.wire.close()
