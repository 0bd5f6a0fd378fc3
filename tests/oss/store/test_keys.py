"""Keys: one slot for a namespace, and Sidekiq's own layout without one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis.crc import key_slot

from offsider.store.keys import Keys


def every(keys: Keys) -> Iterator[str]:
    """Every key that can be made."""
    yield from (value for name, value in vars(keys).items() if name not in ("namespace", "prefix"))
    yield from (keys.queue("mail"), keys.bell("mail"), keys.inflight("host:1:ab/default/1"), keys.lane("l"))
    yield from (keys.process("host:1:ab"), keys.work("host:1:ab"), keys.signals("host:1:ab"))
    yield from (keys.stat("processed"), keys.stat("failed", "2026-01-31"))
    yield from (keys.job_counts("260131|8:03"), keys.queue_metrics("260131|8:03"), keys.job_times("a", "260131|8:0"))
    yield from (keys.histogram("a", "31-8:3"), keys.flushed("host:1:ab"), keys.profile("mine", "b4a577"))
    yield from (keys.marks("20260131"), keys.deploy_lock("v7"), keys.cursor("b4a577"))


def test_all_keys_of_a_namespace_lie_in_one_slot_of_a_cluster() -> None:
    found = list(every(Keys("shop")))
    assert len(found) == len(set(found)) == 28
    assert all(key.startswith("{shop}:") for key in found)
    assert len({key_slot(key.encode()) for key in found}) == 1


def test_namespaces_share_no_key() -> None:
    assert not set(every(Keys("a"))) & set(every(Keys("b")))


def test_a_queue_that_is_named_like_something_else_is_no_other_key() -> None:
    keys = Keys("shop")
    odd = [keys.queue(name) for name in ("queues", "retry", "mail", "a:b")]
    assert not set(odd) & {keys.queues, keys.retry, keys.bell("mail"), keys.inflight("a:b")}


@pytest.mark.parametrize(
    ("made", "sidekiqs"),
    [
        (Keys("").queues, "queues"),
        (Keys("").queue("mail"), "queue:mail"),
        (Keys("").schedule, "schedule"),
        (Keys("").retry, "retry"),
        (Keys("").dead, "dead"),
        (Keys("").processes, "processes"),
        (Keys("").process("app-1:1234:0a1b2c3d4e5f"), "app-1:1234:0a1b2c3d4e5f"),
        (Keys("").work("app-1:1234:0a1b2c3d4e5f"), "app-1:1234:0a1b2c3d4e5f:work"),
        (Keys("").signals("app-1:1234:0a1b2c3d4e5f"), "app-1:1234:0a1b2c3d4e5f-signals"),
        (Keys("").cursor("b4a577edbccf1d805744efa9"), "it-b4a577edbccf1d805744efa9"),
        (Keys("").stat("processed"), "stat:processed"),
        (Keys("").stat("failed", "2026-01-31"), "stat:failed:2026-01-31"),
    ],
)
def test_without_a_namespace_a_key_is_sidekiqs(made: str, sidekiqs: str) -> None:
    assert made == sidekiqs


def test_our_own_keys_are_none_that_sidekiq_scans_for_queues() -> None:
    keys = Keys("")
    for key in (keys.bell("mail"), keys.inflight("o"), keys.lane("l"), keys.owners, keys.quarantine):
        assert not key.startswith("queue:")
