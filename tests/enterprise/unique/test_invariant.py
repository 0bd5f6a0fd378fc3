"""fsck: every lock has a deadline, and a holder that is somewhere."""

from __future__ import annotations

from typing import Any

from offsider.api.fsck import fsck

from .conftest import UniqueBench


def found(bench: UniqueBench) -> list[Any]:
    """The breaches."""
    return [one.breach for one in fsck(bench.app).found if not one.breach.note]


def test_locks_of_every_kind_are_in_order(bench: UniqueBench) -> None:
    from offsider_enterprise.unique import Unique

    sync = bench.job(Unique(policy="replace", by="account"))
    sync.enqueue_many([(1, "a"), (1, "b"), (2,)])
    sync.using(delay=60).enqueue(3)
    sync.using(unique=Unique(5, policy="throttle", key="k")).enqueue(4)
    assert sync.using(unique=Unique(raises=False, by="account")).enqueue(2) is None
    assert bench.raw.exists(bench.key("unique-waiting"), bench.key("unique-replaced")) == 2
    assert found(bench) == []


def test_what_is_torn_or_left_behind_is_told_and_mended(bench: UniqueBench) -> None:
    sync = bench.job(True)
    sync.enqueue_many([(1,), (2,), (3,)])
    one = bench.locks.holder(sync, 1)
    two = bench.locks.holder(sync, 2)
    assert one is not None
    assert two is not None
    bench.raw.zrem(bench.key("unique-deadlines"), one.digest)
    bench.raw.hdel(bench.key("unique-locks"), two.digest)
    bench.app.queues["default"].clear()
    breaches = found(bench)
    assert [breach.rule for breach in breaches] == ["unique"] * 3
    assert [breach.says.split(" ")[-1] for breach in breaches] == ["deadline", "over", "nowhere"]
    assert all(breach.mend() for breach in breaches)
    assert found(bench) == []
    assert bench.is_clean()
