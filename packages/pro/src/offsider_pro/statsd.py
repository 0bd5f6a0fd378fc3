"""The way to a statsd server: the user's client or Datadog's, and what it may not do to a job.

A metric that cannot be sent is dropped: a client that fails is logged once a minute, and never fails a job.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from offsider import clock
from offsider.errors import InvalidSetting, shown

log = logging.getLogger("offsider.pro")

PORT = 8125
UNIX = "unix:"
LOG_EVERY_S = 60.0
FLUSH_S = 0.3


class TaggingClient(Protocol):
    """A client with tags, such as ``datadog.dogstatsd.DogStatsd``; ``distribution`` is used when it has one."""

    def increment(self, metric: str, value: float = 1, tags: list[str] | None = None) -> Any:
        """Count."""

    def timing(self, metric: str, value: float, tags: list[str] | None = None) -> Any:
        """A duration in milliseconds."""

    def gauge(self, metric: str, value: float, tags: list[str] | None = None) -> Any:
        """A level; used when the client has it."""


class PlainClient(Protocol):
    """A client without tags, such as ``statsd.StatsClient``: names only."""

    def incr(self, stat: str, count: int = 1) -> Any:
        """Count."""

    def timing(self, stat: str, delta: float) -> Any:
        """A duration in milliseconds."""

    def gauge(self, stat: str, value: float) -> Any:
        """A level; used when the client has it."""


Client = TaggingClient | PlainClient


def parse_address(text: str) -> dict[str, Any]:
    """The arguments of a client for an address.

    Args:
        text: ``host``, ``host:port``, ``[IPv6]:port``, or ``unix:/path``.

    Raises:
        ValueError: It is none of these.

    Example:
        >>> parse_address("127.0.0.1:8125")
        {'host': '127.0.0.1', 'port': 8125}
        >>> parse_address("unix:/run/statsd.sock")
        {'socket_path': '/run/statsd.sock'}
    """
    if text.startswith(UNIX) and (path := text.removeprefix(UNIX)).startswith("/"):
        return {"socket_path": path}
    host, colon, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    host, port = (host, port) if colon else (text, str(PORT))
    host = host.removeprefix("[").removesuffix("]") if text.startswith("[") else host
    if not host or "/" in host or " " in host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"{shown(text)} is no address: expected host:port, e.g. 127.0.0.1:8125, or unix:/path")
    return {"host": host, "port": int(port)}


def connect(address: str) -> Any:
    """A client of Datadog's for an address; it sends in the background, a few times a second.

    Raises:
        InvalidSetting: Its package is not installed.
    """
    try:
        dogstatsd = importlib.import_module("datadog.dogstatsd")
    except ImportError:
        raise InvalidSetting(
            f"pro.statsd is {address!r}, and the package datadog, which sends there, is not installed: pip install"
            " 'offsider-pro[statsd]', or give a client of your own: ProEdition(statsd=client)"
        ) from None
    return dogstatsd.DogStatsd(
        **parse_address(address), disable_buffering=False, flush_interval=FLUSH_S, disable_telemetry=True
    )


class Statsd:
    """Sends metrics by a client, whatever the client does. Silent until it has one."""

    def __init__(self) -> None:
        self._prefix = ""
        self._tags: list[str] = []
        self._quiet_until_s = 0.0
        self._increment: Callable[..., Any] | None = None
        self._incr: Callable[..., Any] | None = None
        self._timing: Callable[..., Any] | None = None
        self._gauge: Callable[..., Any] | None = None
        self._distribution: Callable[..., Any] | None = None
        self._flush: Callable[[], Any] | None = None

    @property
    def silent(self) -> bool:
        """True while it has no client."""
        return self._timing is None

    def use(
        self, client: Any, *, prefix: str = "sidekiq.", tags: Sequence[str] = (), distributions: bool = True
    ) -> None:
        """Send by this client from now on.

        Args:
            client: Tagging or plain.
            prefix: Before each name.
            tags: Of all metrics.
            distributions: Send distributions when the client can.

        Raises:
            InvalidSetting: The client has neither form.
        """
        increment, incr, timing, flush = (_method(client, name) for name in ("increment", "incr", "timing", "flush"))
        if timing is None or not (increment or incr):
            raise InvalidSetting(
                f"ProEdition(statsd={shown(client)}): expected a client with increment() and timing(), such as"
                " datadog.dogstatsd.DogStatsd(), or with incr() and timing(), such as statsd.StatsClient()"
            )
        self._prefix, self._tags = prefix, list(tags)
        self._increment, self._incr, self._timing, self._flush = increment, incr, timing, flush
        self._gauge = _method(client, "gauge")
        self._distribution = _method(client, "distribution") if distributions and increment else None

    def count(self, name: str, tags: Sequence[str], by: int = 1) -> None:
        """Add to a counter."""
        try:
            if self._increment is not None:
                self._increment(self._prefix + name, by, tags=[*self._tags, *tags])
            elif self._incr is not None:
                self._incr(self._prefix + name, by)
        except Exception as error:  # noqa: BLE001 - whatever a client raises, a metric is no reason to fail a job
            self.complain(error)

    def gauge(self, name: str, value: float, tags: Sequence[str] = ()) -> None:
        """A level, by a client that knows them."""
        if self._gauge is None:
            return
        try:
            if self._increment is None:
                self._gauge(self._prefix + name, value)
            else:
                self._gauge(self._prefix + name, value, tags=[*self._tags, *tags])
        except Exception as error:  # noqa: BLE001 - as above
            self.complain(error)

    def time(self, name: str, took_ms: float, tags: Sequence[str]) -> None:
        """A duration, and its distribution under ``NAME_dist``."""
        if self._timing is None:
            return
        try:
            if self._increment is None:
                self._timing(self._prefix + name, took_ms)
                return
            all_tags = [*self._tags, *tags]
            self._timing(self._prefix + name, took_ms, tags=all_tags)
            if self._distribution is not None:
                self._distribution(f"{self._prefix}{name}_dist", took_ms, tags=all_tags)
        except Exception as error:  # noqa: BLE001 - as above
            self.complain(error)

    def flush(self) -> None:
        """Send what the client still holds, where it holds anything."""
        try:
            if self._flush is not None:
                self._flush()
        except Exception as error:  # noqa: BLE001 - as above
            self.complain(error)

    def complain(self, error: Exception) -> None:
        """Log an error of the client, or of a function that makes tags, once a minute."""
        now_s = clock.monotonic_s()
        if now_s >= self._quiet_until_s:
            self._quiet_until_s = now_s + LOG_EVERY_S
            log.warning("metrics are lost, for a minute at least: %s: %s", type(error).__name__, error, exc_info=error)


def _method(client: Any, name: str) -> Callable[..., Any] | None:
    found = getattr(client, name, None)
    return found if callable(found) else None
