"""Judges what a server says of itself: is it one that keeps jobs? Asks nothing, changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from ..contract.findings import OK, PROBLEM, UNKNOWN, WARNING, Finding
from .inspect import ServerFacts

LEAST_VERSION = (6, 2)
MOST_SKEW_S = 5.0
MOST_MEMORY = 0.8


def too_old(facts: ServerFacts) -> bool:
    """True for a server that lacks commands that keep jobs safe."""
    return facts.version is not None and facts.version < LEAST_VERSION


def dangers(facts: ServerFacts) -> Iterator[Finding]:
    """What endangers jobs on this server: what a worker says when it starts.

    Args:
        facts: What the server says.
    """
    every = (eviction(facts), persistence(facts), skew(facts))
    yield from (one for one in every if one.level in (WARNING, PROBLEM))
    if None in (facts.version, facts.eviction, facts.appends):
        yield Finding(
            "info",
            UNKNOWN,
            "the server does not answer INFO, so whether it evicts or persists is unknown here",
            advice="Make sure that it has maxmemory-policy noeviction and appendonly yes",
        )


def version(facts: ServerFacts) -> Finding:
    """Whether it has the commands that we use."""
    if facts.version is None:
        return _untold("version", "Redis 6.2 or newer, or Valkey")
    said = f"the server is {facts.product.capitalize()}, compatible with Redis {dotted(facts.version)}"
    if not too_old(facts):
        return Finding("version", OK, said)
    return Finding(
        "version",
        PROBLEM,
        f"the server is Redis {dotted(facts.version)}",
        "6.2 or newer, or Valkey",
        "Upgrade it: older ones lack commands that keep jobs safe",
    )


def eviction(facts: ServerFacts) -> Finding:
    """Whether it throws jobs away when memory is full."""
    if facts.eviction is None:
        return _untold("eviction", "maxmemory-policy noeviction")
    said = f"Redis' maxmemory-policy is {facts.eviction!r}"
    if facts.eviction == "noeviction":
        return Finding("eviction", OK, said)
    return Finding(
        "eviction",
        PROBLEM,
        said,
        "'noeviction'",
        "When memory is full this server throws jobs away without a word. Set maxmemory-policy noeviction: then it"
        " refuses to enqueue instead",
    )


def persistence(facts: ServerFacts) -> Finding:
    """What is left after it has crashed."""
    if facts.appends is None:
        return _untold("persistence", "appendonly yes")
    if facts.writes is False:
        return Finding(
            "persistence",
            PROBLEM,
            "the last attempt of Redis to write to its disk has failed",
            "ok",
            "When it crashes, jobs are lost, and it may refuse to enqueue until then. Look at its log and its disk",
        )
    if facts.appends:
        return Finding("persistence", OK, "Redis writes an append-only file (appendonly yes)")
    if facts.snapshots is False:
        return Finding(
            "persistence",
            PROBLEM,
            "Redis keeps nothing on disk (appendonly no, no snapshots)",
            advice="When it restarts, all jobs are gone. Set appendonly yes",
        )
    kept = "Redis writes snapshots only (appendonly no)" if facts.snapshots else "Redis has appendonly no"
    return Finding(
        "persistence",
        WARNING,
        kept,
        advice="When it crashes, what was enqueued or finished since the last snapshot is lost, or runs again. Set"
        " appendonly yes",
    )


def skew(facts: ServerFacts) -> Finding:
    """How far this machine's clock is off."""
    if abs(facts.skew_s) <= MOST_SKEW_S:
        return Finding("clock", OK, f"this machine's clock is {facts.skew_s * 1000:+.0f} ms off the server's")
    return Finding(
        "clock",
        WARNING,
        f"this machine's clock is {facts.skew_s:+.1f} s off the server's",
        f"less than {MOST_SKEW_S:g} s",
        "Leases are safe, they use the server's time, but jobs enqueued here with a delay start that much early or"
        " late. Synchronise the clocks (NTP)",
    )


def memory(facts: ServerFacts) -> Finding:
    """How much is left until it refuses to enqueue."""
    if facts.used_bytes is None or facts.max_bytes is None:
        return _untold("memory", f"less than {MOST_MEMORY:.0%} of maxmemory")
    used = f"{facts.used_bytes / 1e6:,.0f} MB in use"
    if not facts.max_bytes:
        return Finding("memory", OK, f"{used}, no maxmemory")
    part = facts.used_bytes / facts.max_bytes
    said = f"{used}, {part:.0%} of maxmemory ({facts.max_bytes / 1e6:,.0f} MB)"
    if part < MOST_MEMORY:
        return Finding("memory", OK, said)
    return Finding(
        "memory",
        PROBLEM if part >= 1 else WARNING,
        said,
        f"less than {MOST_MEMORY:.0%}",
        "When it is full it refuses to enqueue. Give it more memory, add workers, or delete from the dead set",
    )


def replication(facts: ServerFacts) -> Finding:
    """Whether it may be written to, and who has a copy."""
    if facts.role is None:
        return _untold("replication", "a master")
    if facts.role != "master":
        return Finding(
            "replication",
            PROBLEM,
            f"the server is a replica (role {facts.role})"
            + ("" if facts.replica_link else ", cut off from its master"),
            "a master",
            "Nothing can be enqueued or acknowledged here. Connect to the master, or ask Sentinel where it is",
        )
    count = facts.replicas or 0
    return Finding("replication", OK, f"the server is a master with {count} replica{'' if count == 1 else 's'}")


def dotted(version: tuple[int, ...]) -> str:
    """A version as it is written.

    Example:
        >>> dotted((7, 2, 4))
        '7.2.4'
    """
    return ".".join(map(str, version))


def _untold(name: str, expected: str) -> Finding:
    return Finding(
        name,
        UNKNOWN,
        "the server does not tell (INFO is refused)",
        expected,
        "Make sure of it where the server is managed, or allow this user +info",
    )
