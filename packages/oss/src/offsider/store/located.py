"""Connections of redis-py that ask where the master is each time they connect."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import redis
import redis.asyncio
import redis.exceptions

from .discovery import redirect

if TYPE_CHECKING:
    from .discovery import Discovery

_Base: Any = object


class Moved(redis.ConnectionError):
    """A cluster's node does not have the slot any more, and has done nothing."""


class _Located(_Base):  # type: ignore[misc]
    def __init__(self, *, discovery: Discovery, **options: Any) -> None:
        super().__init__(**options)
        self.discovery = discovery

    def _connect(self) -> Any:
        self.host, self.port = self.discovery.address()
        return super()._connect()


class _Following(_Located):
    """For redis-py's client, which repeats what was refused with `Moved`, and connects anew before."""

    def read_response(self, *given: Any, **named: Any) -> Any:
        """A reply; `Moved`, or "try again", in the place of what a cluster's node says that has not the slot."""
        try:
            return super().read_response(*given, **named)
        except redis.ResponseError as error:
            found = redirect(error)
            if found is None:
                raise
            if found.asking:
                raise redis.exceptions.TryAgainError("the namespace is being moved to another node") from error
            self.discovery.moved(found.address)
            raise Moved(str(error)) from error


class LocatedConnection(_Located, redis.Connection):
    """To whoever is the master at that moment."""


class LocatedSSLConnection(_Located, redis.SSLConnection):
    """The same by TLS."""


class FollowingConnection(_Following, redis.Connection):
    """One for a client of redis-py."""


class FollowingSSLConnection(_Following, redis.SSLConnection):
    """The same by TLS."""


class _AsyncLocated(_Base):  # type: ignore[misc]
    def __init__(self, *, discovery: Discovery, **options: Any) -> None:
        super().__init__(**options)
        self.discovery = discovery

    async def _connect(self) -> None:
        self.host, self.port = await asyncio.to_thread(self.discovery.address)
        await super()._connect()


class AsyncLocatedConnection(_AsyncLocated, redis.asyncio.Connection):
    """On an event loop."""


class AsyncLocatedSSLConnection(_AsyncLocated, redis.asyncio.SSLConnection):
    """On an event loop, by TLS."""
