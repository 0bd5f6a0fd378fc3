"""Tells the truth about the server when a worker starts. Judges what `offsider.store.inspect` has read."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from ..errors import UnsupportedServer
from ..store.connection import Connections
from ..store.inspect import ServerFacts, inspect

log = logging.getLogger("offsider.worker")

LEAST_VERSION = (6, 2)
MOST_SKEW_S = 5.0


def check_server(connections: Connections) -> ServerFacts:
    """Read the facts, log a warning for each that endangers jobs.

    Raises:
        UnsupportedServer: It is older than 6.2.
        StoreError: It does not answer.
    """
    facts = inspect(connections.admin())
    if facts.version is not None and facts.version < LEAST_VERSION:
        raise UnsupportedServer(
            f"the server is Redis {_dotted(facts.version)}; expected 6.2 or newer, or Valkey. Upgrade it: older ones"
            " lack commands that keep jobs safe"
        )
    for warning in warnings(facts):
        log.warning("%s", warning)
    return facts


def warnings(facts: ServerFacts) -> Iterator[str]:
    """One paragraph for each danger: the reading, the normal one, the consequence, the remedy."""
    if facts.eviction not in (None, "noeviction"):
        yield (
            f"Redis' maxmemory-policy is {facts.eviction!r}; expected 'noeviction'. When memory is full this server"
            " throws jobs away without a word. Set maxmemory-policy noeviction: then it refuses to enqueue instead"
        )
    if facts.appends is False and facts.snapshots is False:
        yield (
            "Redis keeps nothing on disk (appendonly no, no snapshots). When it restarts, all jobs are gone. Set"
            " appendonly yes"
        )
    elif facts.appends is False:
        yield (
            "Redis writes snapshots only (appendonly no). When it crashes, what was enqueued or finished since the"
            " last snapshot is lost, or runs again. Set appendonly yes"
        )
    if abs(facts.skew_s) > MOST_SKEW_S:
        yield (
            f"this machine's clock is {facts.skew_s:+.1f} s off the server's; expected less than {MOST_SKEW_S:g} s."
            " Leases are safe, they use the server's time, but jobs enqueued here with a delay start that much early"
            " or late. Synchronise the clocks (NTP)"
        )
    if None in (facts.version, facts.eviction, facts.appends):
        yield (
            "the server does not answer INFO, so whether it evicts or persists is unknown here. Make sure that it has"
            " maxmemory-policy noeviction and appendonly yes"
        )


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
