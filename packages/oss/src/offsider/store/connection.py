"""The ways to Redis: wires for scripts, a client for the rest. Nothing is ever resent behind our back."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from ..errors import ConfigError
from .address import parse_site
from .discovery import discovery
from .located import (
    AsyncLocatedConnection,
    AsyncLocatedSSLConnection,
    FollowingConnection,
    FollowingSSLConnection,
    LocatedConnection,
    LocatedSSLConnection,
    Moved,
)
from .wire import AsyncWire, Wire

_ANY = 2**31  # redis-py 8 counts 100, also those that are gone: a wire would be deaf after as many outages
BY_LISTS = {"protocol": 2}  # hiredis takes twice as long for the maps of RESP3: metrics read 36,000 fields a page
MOST_MOVES = 3  # of a cluster's slot, while one question is asked
_PASSWORD = re.compile(r"(?<=password=)[^&]*")


def redacted(url: str) -> str:
    """The URL without its password.

    Example:
        >>> redacted("redis://:secret@db:6379/0")
        'redis://:***@db:6379/0'
    """
    parts = urlsplit(url)
    if parts.password:
        host = parts.netloc.rpartition("@")[2]
        parts = parts._replace(netloc=f"{parts.username or ''}:***@{host}")
    if "password" in parts.query:
        parts = parts._replace(query=_PASSWORD.sub("***", parts.query))
    shown = urlunsplit(parts)
    return shown.replace("unix:/", "unix:///", 1) if url.startswith("unix:///") else shown  # urlunsplit drops two


class Connections:
    """Makes connections to one Redis. Holds none itself but the admin client's pool.

    redis-py resends a command whose reply was lost, up to ten times: a job would be pushed twice. So its retries
    are off on everything made here, and only what is idempotent is repeated, by its caller.

    Args:
        url: Where Redis is: one server, a cluster, or Sentinels.
        namespace: Whose keys are asked for: a cluster has them on one of its nodes.
        connect_timeout_s: For one connection.
        revive: Called when no connection can be made, before the one other try: starts an embedded server again.

    Raises:
        ConfigError: The URL lacks something, or is a cluster's and there is no namespace.
    """

    def __init__(
        self,
        url: str,
        *,
        namespace: str = "",
        connect_timeout_s: float = 5.0,
        revive: Callable[[], None] | None = None,
    ) -> None:
        self.url = url
        self._site = parse_site(url)
        self._discovery = discovery(self._site, namespace, connect_timeout_s=connect_timeout_s)
        self._revive = revive
        self._connect_timeout_s = connect_timeout_s
        self._keepalive: dict[str, Any] = {} if url.startswith("unix:") else {"socket_keepalive": True}
        self._admin: redis.Redis | None = None
        self._pid = os.getpid()

    def __repr__(self) -> str:
        return f"<Connections {redacted(self.url)}>"

    def wire(self, name: str, *, read_timeout_s: float, connect_timeout_s: float = math.inf) -> Wire:
        """A connection of the caller's own, opened at the first use; it may take less time to connect than others."""
        pool = self._pool(read_timeout_s, connect_timeout_s, LocatedConnection, LocatedSSLConnection)
        return Wire(pool, name, self._revive, self._discovery)

    def awire(self, name: str, *, read_timeout_s: float, connect_timeout_s: float = math.inf) -> AsyncWire:
        """The same for an event loop."""
        options = self._options(read_timeout_s, connect_timeout_s)
        located = self._located(AsyncLocatedConnection, AsyncLocatedSSLConnection)
        retries = AsyncRetry(NoBackoff(), 0)
        with self._url_told():
            pool = redis.asyncio.ConnectionPool.from_url(self._site.plain, retry=retries, **options, **located)
        pool.connection_class = located.get("connection_class", pool.connection_class)  # by TLS the URL's own one won
        return AsyncWire(pool, name, self._revive, self._discovery)

    def admin(self) -> redis.Redis:
        """A client for heartbeats and questions; callers turn its errors into ours (`store_errors`)."""
        if self._admin is None or self._pid != os.getpid():
            self._pid = os.getpid()
            pool = self._pool(10.0, math.inf, FollowingConnection, FollowingSSLConnection, **BY_LISTS)
            self._admin = redis.Redis(connection_pool=pool)
        return self._admin

    def close(self) -> None:
        """Drop the admin client's connections; wires are closed by those who hold them."""
        admin, self._admin = self._admin, None
        if admin is not None and self._pid == os.getpid():
            admin.close()
            admin.connection_pool.disconnect()

    def _pool(
        self, read_timeout_s: float, connect_timeout_s: float, plain: Any, by_tls: Any, **more: Any
    ) -> redis.ConnectionPool:
        options = self._options(read_timeout_s, connect_timeout_s) | self._located(plain, by_tls) | more
        retries = Retry(NoBackoff(), 0)
        if self._discovery is not None:
            retries = Retry(NoBackoff(), MOST_MOVES, supported_errors=(Moved,))
            options["retry_on_error"] = [Moved]  # redis-py 5 wants to be told twice
        with self._url_told():
            return redis.ConnectionPool.from_url(self._site.plain, retry=retries, **options)

    @contextmanager
    def _url_told(self) -> Iterator[None]:
        """What redis-py says of a URL, as our own error."""
        try:
            yield
        except ValueError as error:
            raise ConfigError(f"redis.url is {redacted(self.url)!r}: {error}") from None

    def _options(self, read_timeout_s: float, connect_timeout_s: float) -> dict[str, Any]:
        connect_s = min(self._connect_timeout_s, connect_timeout_s)
        return {
            "socket_timeout": read_timeout_s,
            "socket_connect_timeout": connect_s,
            "max_connections": _ANY,
            **self._keepalive,
        }

    def _located(self, plain: Any, by_tls: Any) -> dict[str, Any]:
        """For a master that has to be found before each connection."""
        if self._discovery is None:
            return {}
        kind = by_tls if self._site.plain.startswith("rediss:") else plain
        return {"connection_class": kind, "discovery": self._discovery}
