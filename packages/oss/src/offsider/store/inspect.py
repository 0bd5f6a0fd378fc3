"""What the server is and how it is set. Read here, judged by others; a question that is refused is "unknown"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import redis

from .. import clock
from .classify import store_errors


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """One server, as it describes itself; None is what it does not tell.

    Attributes:
        product: ``redis`` or ``valkey``.
        version: Redis' version that it is or is compatible with, e.g. ``(7, 2, 4)``.
        eviction: ``maxmemory-policy``.
        max_bytes: ``maxmemory``; 0 is no limit.
        appends: True when it writes an append-only file.
        snapshots: True when it writes snapshots.
        role: ``master`` or ``slave``.
        skew_s: How far this machine's clock is ahead of the server's.
    """

    product: str
    version: tuple[int, ...] | None
    eviction: str | None
    max_bytes: int | None
    appends: bool | None
    snapshots: bool | None
    role: str | None
    skew_s: float


def inspect(client: redis.Redis) -> ServerFacts:
    """Ask a server.

    Raises:
        StoreError: It does not answer at all.
    """
    with store_errors():
        skew_s = _skew_s(client)
    info = _allowed(client, "INFO")
    save = _allowed(client, "CONFIG", "GET", "save")
    facts = _info(info) if isinstance(info, (dict, bytes)) else {}
    appends = facts.get("aof_enabled")
    return ServerFacts(
        product="valkey" if "valkey_version" in facts else "redis",
        version=_version(facts.get("redis_version")),
        eviction=facts.get("maxmemory_policy"),
        max_bytes=int(facts["maxmemory"]) if "maxmemory" in facts else None,
        appends=None if appends is None else appends == "1",
        snapshots=_snapshots(save),
        role=facts.get("role"),
        skew_s=skew_s,
    )


def _skew_s(client: redis.Redis) -> float:
    before_s = clock.now_s()
    seconds, microseconds = client.time()
    after_s = clock.now_s()
    return (before_s + after_s) / 2 - (int(seconds) + int(microseconds) / 1e6)


def _allowed(client: Any, *words: str) -> Any:
    """The answer, or None where an ACL or a managed server refuses the question."""
    with store_errors():
        try:
            return client.execute_command(*words)
        except redis.ResponseError:
            return None


def _info(reply: dict[Any, Any] | bytes) -> dict[str, str]:
    if isinstance(reply, dict):
        return {str(key): str(value) for key, value in reply.items()}
    lines = reply.decode("utf-8", "replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith("#"))


def _version(text: str | None) -> tuple[int, ...] | None:
    parts = (text or "").split(".")
    return tuple(map(int, parts)) if all(part.isdigit() for part in parts) else None


def _snapshots(reply: Any) -> bool | None:
    if isinstance(reply, dict):
        values = list(reply.values())
    elif isinstance(reply, (list, tuple)) and len(reply) == 2:
        values = [reply[1]]
    else:
        return None
    return bool(values and values[0])
