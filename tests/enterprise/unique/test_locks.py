"""Who holds which lock: asked, listed, and ended by hand."""

from __future__ import annotations

from typing import Any

import pytest

from offsider import App
from offsider.errors import EditionError, InvalidOption
from offsider_enterprise.unique import Unique, UniqueLocks

from .conftest import UniqueBench


def test_a_lock_tells_its_job_and_how_long_it_lasts(bench: UniqueBench) -> None:
    sync = bench.job(600, queue="mail")
    jid = sync.enqueue(7)
    lock = bench.locks.holder(sync, 7)
    assert lock is not None
    now_s = bench.now_ms() / 1000
    assert (lock.jid, lock.name, lock.queue, lock.until, lock.policy) == (jid, "sync", "mail", "success", "reject")
    assert abs(lock.since_s - now_s) < 5
    assert abs(lock.moved_s - now_s) < 5
    assert lock.deadline_s is not None
    assert abs(lock.deadline_s - now_s - 600) < 5
    assert bench.locks.get(lock.digest) == lock
    assert bench.locks.of(str(jid)) == lock
    assert lock.to_dict()["jid"] == jid


def test_what_is_free_is_none(bench: UniqueBench) -> None:
    sync = bench.job(600)
    assert bench.locks.holder(sync, 7) is None
    assert bench.locks.get("nothing") is None
    assert bench.locks.of("nobody") is None
    assert list(bench.locks) == []
    assert (len(bench.locks), bool(bench.locks)) == (0, True)


def test_a_job_that_is_not_unique_has_no_holder(bench: UniqueBench) -> None:
    with pytest.raises(InvalidOption, match="is not unique"):
        bench.locks.holder(bench.job(None), 7)


def test_all_are_listed_page_by_page(bench: UniqueBench) -> None:
    sync = bench.job(Unique(by="account"))
    jids = sync.enqueue_many([(k,) for k in range(1200)])
    assert {lock.jid for lock in bench.locks} == set(jids)
    page, following = bench.locks.page(count=100)
    assert following is not None
    assert 0 < len(page) < 1200
    with pytest.raises(InvalidOption, match="expected what the last page"):
        bench.locks.page("x")


def test_unlocking_ends_the_lock_and_leaves_the_job(bench: UniqueBench) -> None:
    sync = bench.job(True)
    first = sync.enqueue(7)
    digest = bench.locks.holder(sync, 7).digest  # type: ignore[union-attr]
    assert bench.locks.unlock(digest, jid="another") is None
    assert bench.locks.unlock(digest) == first
    assert bench.locks.unlock(digest) is None
    assert sync.enqueue(7)
    assert bench.raw.llen(bench.key("queue:default")) == 2


def test_a_lock_whose_job_has_moved_is_not_dropped(bench: UniqueBench) -> None:
    sync = bench.job(True)
    jid = str(sync.using(delay=60).enqueue(7))
    before = bench.locks.holder(sync, 7)
    assert before is not None
    bench.app.scheduled.reschedule(jid, bench.now_ms() / 1000 + 90)
    assert not bench.locks.drop(before)
    now = bench.locks.holder(sync, 7)
    assert now is not None
    assert bench.locks.drop(now)


def test_what_somebody_else_has_written_is_no_lock(bench: UniqueBench) -> None:
    bench.raw.hset(bench.key("unique-locks"), mapping={"a": "x", "b": "j\n1\nw\n{", "c": "j\n1\nw\n[]", "d": b"\xff"})
    bench.raw.zadd(bench.key("unique-deadlines"), {"a": 9e15, "b": 9e15, "c": 9e15})
    assert {lock.digest for lock in bench.locks} == {"b", "c"}


def test_why_tells_of_the_lock(bench: UniqueBench) -> None:
    sync = bench.job(600)
    jid = str(sync.enqueue(7))
    digest = bench.locks.holder(sync, 7).digest  # type: ignore[union-attr]
    assert f"it holds the unique lock {digest} until it has ended, and until 20" in str(bench.app.why(jid))
    bench.locks.unlock(digest)
    assert f"its lock {digest} is free" in str(bench.app.why(jid))
    other = sync.enqueue(7)
    assert f"the job {other} does" in str(bench.app.why(jid))


@pytest.mark.alone
def test_an_app_without_the_edition_says_what_is_missing(app: App) -> None:
    with pytest.raises(EditionError, match="'enterprise' is needed"):
        UniqueLocks(app)


def test_the_options_are_there_for_every_call(bench: UniqueBench) -> None:
    sync = bench.job(None)
    call: Any = sync.using(unique=Unique(key="all"))
    jid = call.enqueue(7)
    assert call.enqueue(8) is None
    assert bench.locks.holder(call, 9).jid == jid  # type: ignore[union-attr]
