"""Who is asked where the master is, in which order, and what is said when nobody knows. The rest: tests/cluster."""

from __future__ import annotations

import pytest
import redis

from offsider.errors import ConfigError, RedisUnavailable
from offsider.store.address import parse_site
from offsider.store.connection import Connections, redacted
from offsider.store.discovery import Fixed, Redirect, discovery, redirect
from support.server import Server, free_port


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (redis.ResponseError("MOVED 3999 10.0.0.7:6381"), Redirect(("10.0.0.7", 6381), asking=False)),
        (redis.ResponseError("ASK 3999 host.name:6381"), Redirect(("host.name", 6381), asking=True)),
        (redis.exceptions.MovedError("3999 ::1:6381"), Redirect(("::1", 6381), asking=False)),
        (redis.exceptions.AskError("3999 10.0.0.7:6381"), Redirect(("10.0.0.7", 6381), asking=True)),
        (redis.ResponseError("MOVED 3999 :6381"), Redirect(("", 6381), asking=False)),
        (redis.ResponseError("ERR 1 a:2 is no way"), None),
        (ValueError("MOVED 3999 10.0.0.7:6381"), None),
    ],
)
def test_where_an_error_sends_us_is_read(error: Exception, expected: Redirect | None) -> None:
    assert redirect(error) == expected


def test_one_server_needs_no_search() -> None:
    assert discovery(parse_site("redis://db"), "offsider", connect_timeout_s=1) is None


def test_a_node_that_is_known_is_all_there_is() -> None:
    fixed = Fixed(("a", 1))
    fixed.moved(("b", 2))
    assert fixed.address() == ("a", 1)


def test_a_cluster_needs_a_namespace() -> None:
    with pytest.raises(ConfigError, match="Set a namespace: all of its keys lie on one node"):
        Connections("redis+cluster://a", namespace="")


@pytest.mark.parametrize("url", ["redis+cluster://:secret@{0},{1}", "redis+sentinel://:secret@{0},{1}/shop"])
def test_that_nobody_answers_is_told_in_time_and_without_the_password(url: str) -> None:
    nodes = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    wire = Connections(url.format(*nodes), namespace="offsider").wire("test", read_timeout_s=5)
    with pytest.raises(RedisUnavailable, match="says where the master is") as caught:
        wire.command("PING")
    assert all(node in str(caught.value) for node in nodes)
    assert "secret" not in str(caught.value) + redacted(url)


def test_a_server_that_is_no_sentinel_is_told(server: Server) -> None:
    wire = Connections(f"redis+sentinel://127.0.0.1:{server.port}/shop").wire("test", read_timeout_s=5)
    with pytest.raises(ConfigError, match="is none: their port is 26379"):
        wire.command("PING")
