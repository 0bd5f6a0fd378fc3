"""What a server says is judged: each danger with its reading, what was expected, and what to do."""

from __future__ import annotations

import dataclasses

import pytest

from offsider.contract.findings import LEVELS, Finding
from offsider.store import health
from offsider.store.inspect import ServerFacts

GOOD = ServerFacts(
    product="valkey", version=(7, 2, 4), eviction="noeviction", max_bytes=100_000_000, appends=True, snapshots=True,
    role="master", skew_s=0.01, used_bytes=10_000_000, writes=True, replicas=2,
)  # fmt: skip
JUDGES = (health.version, health.eviction, health.persistence, health.skew, health.memory, health.replication)


def judged(**changes: object) -> list[Finding]:
    """What is not fine."""
    facts = dataclasses.replace(GOOD, **changes)  # type: ignore[arg-type]
    return [found for judge in JUDGES if (found := judge(facts)).level != "ok"]


def test_a_good_server_is_fine_in_every_way() -> None:
    assert judged() == []
    assert [judge(GOOD).value for judge in JUDGES] == [
        "the server is Valkey, compatible with Redis 7.2.4",
        "Redis' maxmemory-policy is 'noeviction'",
        "Redis writes an append-only file (appendonly yes)",
        "this machine's clock is +10 ms off the server's",
        "10 MB in use, 10% of maxmemory (100 MB)",
        "the server is a master with 2 replicas",
    ]


@pytest.mark.parametrize(
    ("changes", "name", "level", "part"),
    [
        ({"version": (5, 0, 14)}, "version", "problem", "Redis 5.0.14"),
        ({"eviction": "allkeys-lru"}, "eviction", "problem", "'allkeys-lru'"),
        ({"appends": False, "snapshots": False}, "persistence", "problem", "nothing on disk"),
        ({"appends": False}, "persistence", "warning", "snapshots only"),
        ({"writes": False}, "persistence", "problem", "has failed"),
        ({"skew_s": -7.5}, "clock", "warning", "-7.5 s"),
        ({"used_bytes": 85_000_000}, "memory", "warning", "85% of maxmemory"),
        ({"used_bytes": 100_000_000}, "memory", "problem", "100% of maxmemory"),
        ({"role": "slave", "replica_link": False}, "replication", "problem", "cut off from its master"),
    ],
)
def test_what_is_not_fine_is_told_with_a_way_out(changes: dict[str, object], name: str, level: str, part: str) -> None:
    (found,) = judged(**changes)
    assert (found.name, found.level) == (name, level)
    assert part in found.value
    assert found.advice
    assert found.level in LEVELS


def test_what_is_refused_is_unknown_and_not_fine() -> None:
    found = judged(version=None, eviction=None, appends=None, max_bytes=None, used_bytes=None, role=None)
    assert [(one.name, one.level) for one in found] == [
        (name, "unknown") for name in ("version", "eviction", "persistence", "memory", "replication")
    ]
    assert all(one.expected and "refused" in one.value for one in found)
