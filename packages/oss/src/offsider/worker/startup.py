"""Tells the truth about the server when a worker starts: says what `offsider.store.health` finds dangerous."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from ..errors import UnsupportedServer
from ..store.connection import Connections
from ..store.health import dangers, too_old, version
from ..store.inspect import ServerFacts, inspect

log = logging.getLogger("offsider.worker")


def check_server(connections: Connections) -> ServerFacts:
    """Read the facts, log a warning for each that endangers jobs.

    Raises:
        UnsupportedServer: It is older than 6.2.
        StoreError: It does not answer.
    """
    facts = inspect(connections.admin())
    if too_old(facts):
        raise UnsupportedServer(str(version(facts)))
    for warning in warnings(facts):
        log.warning("%s", warning)
    return facts


def warnings(facts: ServerFacts) -> Iterator[str]:
    """One paragraph for each danger: the reading, the normal one, the consequence, the remedy."""
    return map(str, dangers(facts))
