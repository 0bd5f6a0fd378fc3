"""The proxy loses what it is told to lose, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from offsider.errors import RedisUnavailable
from offsider.store.connection import Connections
from offsider.store.embedded import ensure
from offsider.store.wire import Wire
from offsider.testing.proxy import Proxy


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    """A proxy before the server of the test."""
    one = Proxy(redis_url)
    yield one
    one.close()


@pytest.fixture
def wire(proxy: Proxy) -> Iterator[Wire]:
    """A connection through it."""
    one = Connections(proxy.url).wire("test", read_timeout_s=10)
    yield one
    one.close()


def test_bytes_pass_unchanged(wire: Wire, raw: redis.Redis) -> None:
    large = bytes(range(256)) * 4000
    wire.command("SET", "large", large)
    assert raw.get("large") == large
    assert wire.command("GET", "large") == large


def test_a_lost_reply_is_of_a_command_that_was_done(proxy: Proxy, wire: Wire, raw: redis.Redis) -> None:
    wire.command("PING")
    proxy.lose_reply()
    with pytest.raises(RedisUnavailable):
        wire.command("INCR", "count")
    assert raw.get("count") == b"1"
    assert proxy.lost == 1
    assert wire.command("INCR", "count") == 2, "the next one is not lost"


def test_a_held_request_is_lost_for_its_sender_and_arrives_late(proxy: Proxy, wire: Wire, raw: redis.Redis) -> None:
    wire.command("PING")
    proxy.hold_request()
    with pytest.raises(RedisUnavailable):
        wire.command("SET", "a", "late")
    assert raw.get("a") is None
    assert wire.command("SET", "a", "early") in (b"OK", "OK"), "the next one passes, on another connection"
    proxy.deliver()
    assert raw.get("a") == b"late"
    with pytest.raises(RuntimeError, match="no request was held back"):
        proxy.deliver()


def test_an_outage_ends_connections_and_refuses_new_ones_until_it_is_mended(proxy: Proxy, wire: Wire) -> None:
    wire.command("PING")
    proxy.cut()
    for _attempt in range(3):
        with pytest.raises(RedisUnavailable):
            wire.command("PING")
    proxy.mend()
    assert wire.command("PING") in (b"PONG", "PONG")


def test_a_closed_proxy_refuses_connections_and_closes_again(proxy: Proxy, wire: Wire) -> None:
    wire.command("PING")
    proxy.close()
    proxy.close()
    with pytest.raises(RedisUnavailable):
        wire.command("PING")


def test_a_server_that_is_away_is_an_outage(redis_url: str) -> None:
    from support.server import free_port

    proxy = Proxy(f"redis://127.0.0.1:{free_port()}/0")
    wire = Connections(proxy.url).wire("test", read_timeout_s=10)
    with pytest.raises(RedisUnavailable):
        wire.command("PING")
    wire.close()
    proxy.close()


def test_a_unix_socket_is_reached_too(tmp_path: Path) -> None:
    server = ensure(tmp_path)
    proxy = Proxy(server.url)
    wire = Connections(proxy.url).wire("test", read_timeout_s=10)
    assert wire.command("SET", "a", "1") in (b"OK", "OK")
    wire.close()
    proxy.close()
    server.close()
