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
        used_bytes: Memory in use.
        writes: False when the last attempt to write to disk has failed.
        replicas: How many replicas are connected.
        replica_link: Of a replica: True when it hears its master.
    """

    product: str
    version: tuple[int, ...] | None
    eviction: str | None
    max_bytes: int | None
    appends: bool | None
    snapshots: bool | None
    role: str | None
    skew_s: float
    used_bytes: int | None = None
    writes: bool | None = None
    replicas: int | None = None
    replica_link: bool | None = None


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
        max_bytes=_number(facts.get("maxmemory")),
        appends=None if appends is None else appends == "1",
        snapshots=_snapshots(save),
        role=facts.get("role"),
        skew_s=skew_s,
        used_bytes=_number(facts.get("used_memory")),
        writes=_writes(facts),
        replicas=_number(facts.get("connected_slaves")),
        replica_link=facts["master_link_status"] == "up" if "master_link_status" in facts else None,
    )


def latencies_s(client: redis.Redis, count: int = 50) -> list[float]:
    """How long round trips take now, the shortest first; the first of all, which may connect, is left out.

    Raises:
        StoreError: The server does not answer.
    """
    taken = []
    with store_errors():
        client.ping()
        for _ in range(count):
            before_s = clock.monotonic_s()
            client.ping()
            taken.append(clock.monotonic_s() - before_s)
    return sorted(taken)


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


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def _writes(facts: dict[str, str]) -> bool | None:
    """Whether what it last wrote to disk arrived; of those ways that are in use."""
    names = ("rdb_last_bgsave_status", "aof_last_write_status", "aof_last_bgrewrite_status")
    told = [facts[name] == "ok" for name in names if name in facts]
    return all(told) if told else None


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
