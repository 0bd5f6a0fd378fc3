"""Connections that find the master are the right kind of connection, by TLS too. What they do: tests/cluster."""

from __future__ import annotations

from typing import Any

import pytest
import redis
import redis.asyncio

from offsider.store.connection import Connections
from offsider.store.located import (
    AsyncLocatedConnection,
    AsyncLocatedSSLConnection,
    FollowingConnection,
    FollowingSSLConnection,
    LocatedConnection,
    LocatedSSLConnection,
)

PLAIN = (LocatedConnection, AsyncLocatedConnection, FollowingConnection)
BY_TLS = (LocatedSSLConnection, AsyncLocatedSSLConnection, FollowingSSLConnection)


@pytest.mark.parametrize(
    ("url", "kinds"),
    [
        ("redis+cluster://a:7000", PLAIN),
        ("rediss+cluster://a:7000", BY_TLS),
        ("redis+sentinel://a:7000/shop", PLAIN),
        ("rediss+sentinel://a:7000/shop", BY_TLS),
        ("redis://a", (redis.Connection, redis.asyncio.Connection, redis.Connection)),
        ("rediss://a", (redis.SSLConnection, redis.asyncio.SSLConnection, redis.SSLConnection)),
    ],
)
def test_each_way_has_its_kind_of_connection(url: str, kinds: tuple[type, ...]) -> None:
    connections = Connections(url, namespace="offsider")
    wire: Any = connections.wire("test", read_timeout_s=1)
    awire: Any = connections.awire("test", read_timeout_s=1)
    admin: Any = connections.admin().connection_pool
    made = (wire._pool.make_connection(), awire._make(), admin.make_connection())
    assert tuple(type(one) for one in made) == kinds
