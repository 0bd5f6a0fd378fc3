"""The ways to Redis: URLs without their passwords, and a client that resends nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from offsider.errors import ConfigError
from offsider.store.connection import Connections, redacted
from offsider.testing.proxy import Proxy


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    one = Proxy(redis_url)
    yield one
    one.close()


def test_the_admin_client_does_not_resend_either(proxy: Proxy, raw: Any) -> None:
    admin: Any = Connections(proxy.url).admin()
    admin.ping()
    proxy.lose_reply()
    with pytest.raises((redis.ConnectionError, redis.TimeoutError)):
        admin.lpush("list", "once")
    assert raw.lrange("list", 0, -1) == [b"once"]
    admin.close()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:secret@db:6379/0", "redis://:***@db:6379/0"),
        ("rediss://me:se%40cret@db:6379/2?x=1", "rediss://me:***@db:6379/2?x=1"),
        ("redis://me@db", "redis://me@db"),
        ("redis://db:6379/0", "redis://db:6379/0"),
        ("unix:///tmp/a.sock", "unix:///tmp/a.sock"),
    ],
)
def test_a_password_is_never_shown(url: str, shown: str) -> None:
    assert redacted(url) == shown
    assert repr(Connections(url)) == f"<Connections {shown}>"


@pytest.mark.parametrize("url", ["redis://db:6379/0?password=secret", "unix:///tmp/a.sock?username=me&password=secret"])
def test_a_password_among_the_options_of_a_url_is_not_shown_either(url: str) -> None:
    assert "secret" not in redacted(url)
    assert redacted(url).startswith(url.partition("?")[0])


def test_a_url_that_is_none_is_a_setting_to_correct() -> None:
    with pytest.raises(ConfigError, match=r"redis\.url is 'http://:\*\*\*@db'"):
        Connections("http://:secret@db").wire("test", read_timeout_s=1)
    with pytest.raises(ConfigError, match=r"redis\.url is 'http://:\*\*\*@db'"):
        Connections("http://:secret@db").awire("test", read_timeout_s=1)


def test_a_wire_connects_anew_as_often_as_it_has_to(redis_url: str) -> None:
    wire = Connections(redis_url).wire("test", read_timeout_s=5.0)
    for _outage in range(250):
        assert wire.command("PING") == b"PONG"
        wire.drop()
    wire.close()
