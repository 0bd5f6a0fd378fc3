"""What a server says of itself, and what it does not want to say."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from offsider.errors import RedisUnavailable
from offsider.store.connection import Connections
from offsider.store.inspect import inspect
from support.server import Server

MakeServer = Callable[..., Server]


def test_the_facts_are_those_of_the_server(raw: redis.Redis, redis_url: str) -> None:
    facts = inspect(raw)
    info = raw.info()
    assert facts.product == ("valkey" if "valkey_version" in info else "redis")
    assert facts.version == tuple(map(int, info["redis_version"].split(".")))
    assert (facts.eviction, facts.max_bytes, facts.role) == ("noeviction", 0, "master")
    assert (facts.appends, facts.snapshots) == (False, False)
    assert abs(facts.skew_s) < 1


def test_settings_that_were_changed_are_seen(make_server: MakeServer) -> None:
    server = make_server("--appendonly", "yes", "--maxmemory", "100mb", "--maxmemory-policy", "volatile-ttl")
    client = server.client()
    client.config_set("save", "900 1")
    facts = inspect(client)
    assert (facts.appends, facts.snapshots, facts.eviction) == (True, True, "volatile-ttl")
    assert facts.max_bytes == 100 * 1024 * 1024
    client.close()


def test_what_an_acl_refuses_is_unknown_and_no_error(make_server: MakeServer) -> None:
    server = make_server()
    client = server.client()
    client.execute_command("ACL", "SETUSER", "small", "on", "nopass", "~*", "+@all", "-info", "-config")
    small = Connections(f"redis://small:x@127.0.0.1:{server.port}/0").admin()
    facts = inspect(small)
    assert (facts.version, facts.eviction, facts.appends, facts.snapshots, facts.role) == (None,) * 5
    client.close()


def test_a_server_that_is_away_is_an_error(make_server: MakeServer) -> None:
    server = make_server()
    server.kill()
    with pytest.raises(RedisUnavailable):
        inspect(Connections(server.url).admin())
