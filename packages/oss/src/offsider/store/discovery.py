"""Finds the master: the owner of a cluster's slot, or who Sentinels say it is. Asked before each new connection."""

from __future__ import annotations

import re
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol

import redis
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.retry import Retry

from .. import clock
from ..errors import ConfigError
from .address import CLUSTER, Address, Site, at, shown_nodes

ASK_TIMEOUT_S = 1.0  # of one node; the others are asked after it
FRESH_S = 0.5  # connections that are made together ask once
_REDIRECT = re.compile(r"(MOVED |ASK )?[0-9]+ (\S*):([0-9]+)\Z")  # some versions of redis-py take the word away


@dataclass(frozen=True, slots=True)
class Redirect:
    """What a cluster's node says that does not have the slot, or not all of it: it has done nothing.

    Attributes:
        address: Whom to ask; an empty host is that of the node which says it.
        asking: True for this one request only: the slot is on its way.
    """

    address: Address
    asking: bool


def redirect(error: BaseException) -> Redirect | None:
    """Where an error sends us; None for another error.

    Example:
        >>> redirect(redis.ResponseError("MOVED 3999 10.0.0.7:6381"))
        Redirect(address=('10.0.0.7', 6381), asking=False)
    """
    found = _REDIRECT.match(str(error)) if isinstance(error, redis.ResponseError) else None
    if found is None:
        return None
    asking = found[1] == "ASK " if found[1] else not isinstance(error, redis.exceptions.MovedError)
    return Redirect((found[2], int(found[3])), asking)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A `Discovery` for one connection to a node that is known."""

    node: Address

    def address(self) -> Address:
        """The node."""
        return self.node

    def moved(self, address: Address) -> None:
        """Of no use here: nobody asks again."""


class Discovery(Protocol):
    """Where the master is now."""

    def address(self) -> Address:
        """Ask; raises a `redis.ConnectionError` when nobody knows."""

    def moved(self, address: Address) -> None:
        """The master itself has said who follows it."""


def discovery(site: Site, namespace: str, *, connect_timeout_s: float) -> Discovery | None:
    """The way to find the master of a site; None for one server.

    Raises:
        ConfigError: A cluster and no namespace: Sidekiq's layout spreads one script's keys over many nodes.
    """
    if not site.kind:
        return None
    timeout_s = min(ASK_TIMEOUT_S, connect_timeout_s)
    if site.kind != CLUSTER:
        return _Sentinels(site, timeout_s)
    if not namespace:
        raise ConfigError(
            "namespace is empty and redis.url is a cluster: its keys would lie on many nodes, where no script can have"
            " all of them. Set a namespace: all of its keys lie on one node"
        )
    return _Cluster(site, timeout_s, key_slot(namespace.encode("utf-8")))


class _Asking(ABC):
    """Asks one node after the other, beginning with another one each time; remembers an answer for a moment."""

    def __init__(self, site: Site, timeout_s: float) -> None:
        self._site = site
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._turn = 0
        self._known: Address | None = None
        self._known_s = 0.0

    def address(self) -> Address:
        """Where the master is."""
        with self._lock:
            if self._known is None or clock.monotonic_s() - self._known_s > FRESH_S:
                self._know(self._found())
            assert self._known is not None
            return self._known

    def moved(self, address: Address) -> None:
        """What a MOVED says needs no question."""
        with self._lock:
            self._know((address[0] or (self._known or address)[0], address[1]))

    def _know(self, address: Address) -> None:
        self._known, self._known_s = address, clock.monotonic_s()

    def _found(self) -> Address:
        nodes = self._nodes()
        self._turn += 1
        last: Exception | None = None
        for k in range(len(nodes)):
            node = nodes[(self._turn + k) % len(nodes)]
            try:
                return self._ask(node)
            except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
                if isinstance(error, redis.AuthenticationError):
                    raise
                last = error
        raise redis.ConnectionError(f"none of {shown_nodes(nodes)} says where the master is: {last}") from last

    def _nodes(self) -> list[Address]:
        return list(self._site.nodes)

    @abstractmethod
    def _ask(self, node: Address) -> Address:
        """What one node says; raises what redis-py raises when it does not say."""

    def _reply(self, node: Address, *words: str) -> Any:
        """The reply of one node, on a connection for this one question."""
        pool = redis.ConnectionPool.from_url(
            at(self._site.asking, node),
            socket_timeout=self._timeout_s,
            socket_connect_timeout=self._timeout_s,
            retry=Retry(NoBackoff(), 0),
        )
        connection: Any = pool.make_connection()
        try:
            connection.connect()
            connection.send_command(*words)
            return connection.read_response()
        finally:
            connection.disconnect()


class _Cluster(_Asking):
    """The owner of one slot. All nodes that were ever heard of are asked; those of the URL may be long gone."""

    def __init__(self, site: Site, timeout_s: float, slot: int) -> None:
        super().__init__(site, timeout_s)
        self._slot = slot
        self._heard: list[Address] = []

    def _nodes(self) -> list[Address]:
        return list(dict.fromkeys([*self._heard, *self._site.nodes]))

    def _ask(self, node: Address) -> Address:
        try:
            ranges = self._reply(node, "CLUSTER", "SLOTS")
        except redis.ResponseError as error:
            if "cluster support disabled" in str(error):
                raise ConfigError(
                    f"redis.url is a cluster's, but {shown_nodes([node])} belongs to none: write redis:// for a single"
                    " server"
                ) from error
            raise
        owner = None
        heard: list[Address] = []
        for first, last, *members in ranges:
            addresses = [(_text(host) or node[0], int(port)) for host, port, *_more in members]
            heard += addresses
            if first <= self._slot <= last:
                owner = addresses[0]
        self._heard = list(dict.fromkeys(heard))
        if owner is None:
            raise redis.ConnectionError(f"no node of the cluster has slot {self._slot}, where the namespace lies")
        return owner


class _Sentinels(_Asking):
    """The master by its name. A Sentinel that does not know it is passed over."""

    def _ask(self, node: Address) -> Address:
        try:
            found = self._reply(node, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._site.master)
        except redis.ResponseError as error:
            if "unknown command" not in str(error):
                raise
            raise ConfigError(
                f"redis.url names Sentinels, but {shown_nodes([node])} is none: their port is 26379, unless you"
                " have set another"
            ) from error
        if not found:
            raise redis.ConnectionError(
                f"the Sentinel {shown_nodes([node])} knows no master {self._site.master!r}: check the name in redis.url"
            )
        host, port = found
        return _text(host), int(port)


def _text(host: Any) -> str:
    return host.decode("utf-8") if isinstance(host, bytes) else str(host or "")
