"""Looks at Redis past the part that is tested, and does what other processes would do. Never takes part itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..store.connection import Connections
from ..worker.fetch import Limits
from ..worker.recovery import Recovery
from .jobs import payload

if TYPE_CHECKING:
    from ..app import App


class Observer:
    """A connection of its own to an app's Redis.

    Args:
        app: Whose Redis; where it is now is where this looks, also when the app is sent through a proxy later.
    """

    def __init__(self, app: App) -> None:
        self.url = app.url
        self._keys = app.keys
        self._connections = Connections(app.url, namespace=app.settings.namespace)
        self._wire = self._connections.wire("observer", read_timeout_s=15.0)
        self._limits = Limits(lease_s=app.settings.worker.lease_s)

    def ask(self, *words: str | float | bytes) -> Any:
        """Any command."""
        return self._wire.command(*words)

    def close(self) -> None:
        """Drop the connection."""
        self._wire.close()

    # -- queues and sets -----------------------------------------------------------------------------------

    def push(self, queue: str, numbers: Iterable[int]) -> None:
        """Put jobs into a queue, in order, without ringing its bell."""
        payloads = [payload(number) for number in numbers]
        if payloads:
            self.ask("LPUSH", self._keys.queue(queue), *payloads)

    def waiting(self, queue: str) -> list[bytes]:
        """The payloads in a queue, the one that is taken next first."""
        found: list[bytes] = self.ask("LRANGE", self._keys.queue(queue), 0, -1)
        return found[::-1]

    def members(self, key: str) -> list[bytes]:
        """The members of a sorted set, in order."""
        found: list[bytes] = self.ask("ZRANGE", key, 0, -1)
        return found

    def due_in_s(self, key: str, member: bytes) -> float:
        """How far the score of a member is ahead of the server's time."""
        return float(self.ask("ZSCORE", key, member)) - self._now_s()

    def remove(self, key: str) -> None:
        """Whatever lies there, somebody else has taken it."""
        self.ask("DEL", key)

    # -- leases ----------------------------------------------------------------------------------------------

    def in_flight(self, owner: str) -> list[bytes]:
        """The payloads that an owner holds, sorted."""
        found: list[bytes] = self.ask("HVALS", self._keys.inflight(owner))
        return sorted(found)

    def owners(self) -> list[str]:
        """Who has a lease."""
        return [owner.decode() for owner in self.members(self._keys.owners)]

    def lease_left_s(self, owner: str) -> float:
        """How long an owner's lease still lasts, by the server's clock."""
        return float(self.ask("ZSCORE", self._keys.owners, owner)) / 1000 - self._now_s()

    def end_lease(self, owner: str) -> None:
        """Make an owner's lease one that has ended."""
        self.ask("ZADD", self._keys.owners, "XX", 1, owner)

    def recover(self, owner: str) -> int:
        """Do to an owner what another process does when the lease has ended; returns how many jobs it moved."""
        self.end_lease(owner)
        others = Recovery(self._connections, self._keys, self._limits, recovered=lambda *_: None, died=lambda *_: None)
        return others.recover(owner)

    # -- the server ------------------------------------------------------------------------------------------

    @contextmanager
    def full(self) -> Iterator[None]:
        """A Redis without any memory left, for as long as this lasts."""
        before = self._config("maxmemory")
        self.ask("CONFIG", "SET", "maxmemory", 1)
        try:
            yield
        finally:
            self.ask("CONFIG", "SET", "maxmemory", before)

    def _config(self, name: str) -> bytes:
        reply = self.ask("CONFIG", "GET", name)
        value: bytes = reply[name.encode()] if isinstance(reply, dict) else reply[1]
        return value

    def _now_s(self) -> float:
        seconds, microseconds = self.ask("TIME")
        return int(seconds) + int(microseconds) / 1e6
