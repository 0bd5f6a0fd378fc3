"""Pushes to be kept in a spool, and what has arrived of them."""

from __future__ import annotations

import json
from typing import Any

from offsider.contract.undelivered import Undelivered

from .server import Server


def push(number: int, *, in_doubt: bool = False, lane: str = "{offsider}:lane:own") -> Undelivered:
    """One job in a push of its own."""
    payload = json.dumps({"queue": "default", "class": "note", "args": [number], "jid": f"j{number}", "retry": True})
    keys = [lane, "{offsider}:queues", "{offsider}:schedule", "{offsider}:bell-schedule"]
    keys += ["{offsider}:queue:default", "{offsider}:bell:default"]
    return Undelivered([f"j{number}"], keys, [1, 86_400, len("{offsider}:queue:") + 1, 5, payload.encode()], in_doubt)


def numbers(server: Any, queue: str = "default") -> list[int]:
    """The arguments of the jobs of a queue, the next one first."""
    client = server.client() if isinstance(server, Server) else server
    found = client.lrange(f"{{offsider}}:queue:{queue}", 0, -1)
    return [json.loads(one)["args"][0] for one in reversed(found)]


def note(number: int) -> None:
    """A job that never runs here."""
