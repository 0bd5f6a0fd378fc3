"""What a Redis URL says: one server, a cluster's nodes, or Sentinels and a master's name. Never connects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from ..errors import ConfigError

Address = tuple[str, int]

CLUSTER = "+cluster"
SENTINEL = "+sentinel"
PORTS = {CLUSTER: 6379, SENTINEL: 26379}
_SENTINEL_OPTIONS = ("sentinel_username", "sentinel_password")
_EXPECTED = {
    CLUSTER: "redis+cluster://HOST:PORT,HOST:PORT",
    SENTINEL: "redis+sentinel://HOST:PORT,HOST:PORT/MASTER",
}


_UNTIL_PATH = re.compile(r"[^/?#]*")


@dataclass(frozen=True, slots=True)
class Site:
    """Where Redis is.

    Attributes:
        kind: ``""``, ``"+cluster"`` or ``"+sentinel"``.
        plain: The URL without the kind, for redis-py; of several hosts it has the first.
        nodes: Those to ask where the master is; none for one server.
        master: The name that Sentinels know it by.
        asking: The URL to ask them with: other credentials than the master's, where there are Sentinels.
    """

    kind: str
    plain: str
    nodes: tuple[Address, ...] = ()
    master: str = ""
    asking: str = ""


def parse_site(url: str) -> Site:
    """Read a URL.

    Raises:
        ConfigError: A host, a port or the master's name is missing.

    Example:
        >>> parse_site("redis+cluster://a:7000,b:7001").nodes
        (('a', 7000), ('b', 7001))
        >>> parse_site("redis+sentinel://a,b/shop/2").plain
        'redis://a:26379/2'
    """
    scheme, _sign, rest = url.partition("://")
    kind = next((one for one in PORTS if scheme.lower().endswith(one)), "")
    if not kind:
        return Site("", url)
    netloc = _UNTIL_PATH.match(rest)[0]  # type: ignore[index]  # it matches nothing, too
    parts = urlsplit(f"{scheme}://{rest.removeprefix(netloc)}")  # which takes no list of hosts, where one has brackets
    user, at, hosts = netloc.rpartition("@")
    nodes = tuple(_address(host, PORTS[kind], kind) for host in hosts.split(","))
    master, path = _master(parts.path) if kind == SENTINEL else ("", parts.path)
    query = parse_qsl(parts.query, keep_blank_values=True)
    own = urlencode([(name, value) for name, value in query if name not in _SENTINEL_OPTIONS])
    scheme, first = parts.scheme.removesuffix(kind), _netloc(nodes[0])
    plain = urlunsplit((scheme, user + at + first, path, own, ""))
    asking = urlunsplit((scheme, user + at + first, "", own, "")) if kind == CLUSTER else ""
    if kind == SENTINEL:
        theirs = urlencode([(name.removeprefix("sentinel_"), value) for name, value in query if name not in _OF_MASTER])
        asking = urlunsplit((scheme, first, "", theirs, ""))
    return Site(kind, plain, nodes, master, asking)


_OF_MASTER = ("username", "password", "db")


def at(url: str, address: Address) -> str:
    """The URL with another host and port."""
    parts = urlsplit(url)
    user, sign, _host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=user + sign + _netloc(address)))


def shown_nodes(nodes: tuple[Address, ...] | list[Address]) -> str:
    """Hosts and ports, for messages."""
    return ", ".join(map(_netloc, nodes))


def _netloc(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _address(text: str, port: int, kind: str) -> Address:
    try:
        parts = urlsplit(f"//{text.strip()}")
        if parts.hostname:
            return parts.hostname, parts.port or port
    except ValueError:
        pass  # a port that is none: told below
    raise ConfigError(f"redis.url has the host {text!r}: expected {_EXPECTED[kind]}")


def _master(path: str) -> tuple[str, str]:
    name, _, db = path.strip("/").partition("/")
    if not name or "/" in db:
        raise ConfigError(
            f"redis.url has the path {path!r}: expected the name that the Sentinels know the master by, and perhaps a"
            f" database: {_EXPECTED[SENTINEL]}/0"
        )
    return name, f"/{db}" if db else ""
