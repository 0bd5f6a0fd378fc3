"""What a URL says: hosts, the master's name, whose credentials are whose."""

from __future__ import annotations

import pytest

from offsider.errors import ConfigError
from offsider.store.address import Site, at, parse_site


@pytest.mark.parametrize("url", ["redis://db:6379/0", "rediss://:x@db", "unix:///run/redis.sock?db=1"])
def test_one_server_is_left_as_it_is(url: str) -> None:
    assert parse_site(url) == Site("", url)


def test_a_cluster_has_nodes() -> None:
    site = parse_site("rediss+cluster://ann:pw@a:7000,b,[::1]:7002/?socket_keepalive=1")
    assert site.kind == "+cluster"
    assert site.nodes == (("a", 7000), ("b", 6379), ("::1", 7002))
    assert site.plain == "rediss://ann:pw@a:7000/?socket_keepalive=1"
    assert at(site.asking, ("::1", 7002)) == "rediss://ann:pw@[::1]:7002?socket_keepalive=1"


def test_sentinels_have_a_masters_name_and_credentials_of_their_own() -> None:
    site = parse_site("redis+sentinel://:pw@a,b:26380/shop/2?sentinel_password=theirs&ssl_cert_reqs=none")
    assert (site.kind, site.master) == ("+sentinel", "shop")
    assert site.nodes == (("a", 26379), ("b", 26380))
    assert site.plain == "redis://:pw@a:26379/2?ssl_cert_reqs=none"
    assert site.asking == "redis://a:26379?password=theirs&ssl_cert_reqs=none"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("redis+cluster://", r"has the host '': expected redis\+cluster://HOST:PORT,HOST:PORT"),
        ("redis+cluster://a:7000,,b", "has the host ''"),
        ("redis+cluster://a:seven", "has the host 'a:seven'"),
        ("redis+sentinel://a:26379", "has the path '': expected the name that the Sentinels know the master by"),
        ("redis+sentinel://a/shop/1/2", "has the path '/shop/1/2'"),
    ],
)
def test_what_is_missing_is_told(url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_site(url)
