"""How unique jobs go together with what an app is made with: encryption, shards, reliable push."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from offsider.testing.proxy import Proxy
from offsider_enterprise.unique import UniqueLocks
from support.keys import put_keys
from support.waiting import until

from .conftest import UniqueBench


def test_unique_jobs_go_together_with_encryption(
    make_bench: Callable[..., UniqueBench], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same plain arguments are the same job, though no two ciphertexts are; the lock's name tells nothing."""
    bench = make_bench(enterprise={"encryption": {"keys": put_keys(monkeypatch, "new")}})
    sync = bench.job(True, encrypt=True)
    jid = sync.enqueue(7)
    assert jid
    assert sync.enqueue(7) is None
    assert b'"args":[7]' not in bench.raw.lrange(bench.key("queue:default"), 0, -1)[0]
    plain = bench.app.job(name="plain", unique=True)(lambda account: None)
    assert len(bench.locks.holder(sync, 7).digest) == 64  # type: ignore[union-attr]
    assert plain.enqueue(7)
    bench.start()
    bench.waits_until_settled()
    assert bench.is_clean()


def test_all_processes_name_a_lock_alike_in_each_step_to_another_key(
    make_bench: Callable[..., UniqueBench], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the guide says: the new key in front while the old one encrypts, then it encrypts."""
    old, both = put_keys(monkeypatch, "old"), put_keys(monkeypatch, "new", "old")
    steps: list[dict[str, Any]] = [{"keys": old}, {"keys": both, "active": "old"}, {"keys": both}]
    settings = [{"encryption": step} for step in (*steps, *steps[::-1])]
    jids = [make_bench(enterprise=one).job(True, encrypt=True).enqueue(7) for one in settings]
    assert jids[0]
    assert jids[1:] == [None] * 5


def test_unique_jobs_go_together_with_shards(make_bench: Callable[..., UniqueBench]) -> None:
    """A lock lies where its job does: in each Redis for itself."""
    bench = make_bench(shards={"eu": {"namespace": "eu", "queues": ["eu"]}})
    sync = bench.job(True)
    assert sync.enqueue(7)
    other = sync.using(queue="eu")
    assert other.enqueue(7)
    assert other.enqueue_many([(7,), (8,), (8,)])[::2] == [None, None]
    mixed = [sync.request(7), sync.using(queue="eu").request(8), sync.request(9), other.request(9)]
    assert [jid is None for jid in bench.app.pusher.push_many(mixed, 1000)] == [True, True, False, False]
    assert len(bench.locks) == 2
    shard: Any = bench.app.shard("eu")
    assert len(UniqueLocks(shard)) == 3


def test_unique_jobs_go_together_with_reliable_push(
    make_bench: Callable[..., UniqueBench], redis_url: str, tmp_path: Any
) -> None:
    """What is kept while Redis is away is decided when it is delivered."""
    proxy = Proxy(redis_url)
    bench = make_bench(proxy.url, pro={"spool": {"folder": str(tmp_path), "after_s": 0.2}})
    sync = bench.job(True)
    assert sync.enqueue(1)
    proxy.cut()
    first, second = sync.enqueue(7), sync.enqueue(7)
    assert first
    assert second
    proxy.mend()
    until(lambda: bench.raw.llen(bench.key("queue:default")) == 2, 20, "the first is delivered, and the second refused")
    until(lambda: bench.locks.holder(sync, 7) is not None)
    assert bench.locks.holder(sync, 7).jid == first  # type: ignore[union-attr]
    proxy.close()
