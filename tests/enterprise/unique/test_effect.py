"""The lock: taken with the push, given back with the end, only ever by its holder, by its deadline at the latest."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis

from offsider import Retry, Snooze
from offsider.contract.work import Fenced, Settlement
from offsider.errors import EnqueueUncertain, RedisRefused
from offsider.testing.proxy import Proxy
from offsider.worker.worker import Worker, lease_fetcher
from offsider_enterprise.unique import EnqueueRejected, Unique
from support.loops import on_loop
from support.server import Server
from support.waiting import until

from .conftest import UniqueBench

# -- taken -----------------------------------------------------------------------------------------------------


def test_the_second_is_not_enqueued_and_the_log_names_the_holder(
    bench: UniqueBench, caplog: pytest.LogCaptureFixture
) -> None:
    sync = bench.job(600)
    jid = sync.enqueue(7)
    with caplog.at_level(logging.INFO, "offsider.enterprise"):
        assert sync.enqueue(7) is None
    assert f"the job {jid} holds its lock" in caplog.text
    assert sync.enqueue(8) is not None
    assert bench.raw.llen(bench.key("queue:default")) == 2


def test_who_asks_for_it_gets_an_error_with_the_holder(bench: UniqueBench) -> None:
    sync = bench.job(Unique(raises=True))
    jid = sync.enqueue(7)
    with pytest.raises(EnqueueRejected, match=str(jid)) as rejected:
        sync.enqueue(7)
    assert rejected.value.holder == jid
    with pytest.raises(EnqueueRejected):
        on_loop(bench.app, sync.aenqueue(7))
    assert sync.enqueue_many([(7,), (8,)])[0] is None


def test_one_call_may_go_without_a_lock(bench: UniqueBench) -> None:
    sync = bench.job(600)
    sync.enqueue(7)
    assert sync.using(unique=False).enqueue(7)
    assert sync.using(unique=None).enqueue(7)
    assert len(bench.locks) == 1


def test_of_a_bulk_the_first_of_each_is_enqueued(bench: UniqueBench) -> None:
    sync = bench.job(600)
    jids = sync.enqueue_many([(k % 10,) for k in range(3000)], batch_size=1000)
    assert [jid is not None for jid in jids] == [True] * 10 + [False] * 2990
    assert bench.raw.llen(bench.key("queue:default")) == 10
    assert bench.holders() == set(jids[:10])


def test_a_lost_reply_does_not_reject_the_very_job(make_bench: Callable[..., UniqueBench], redis_url: str) -> None:
    proxy = Proxy(redis_url)
    bench = make_bench(proxy.url)
    sync = bench.job(600)
    sync.enqueue(1)
    proxy.lose_reply()
    jid = sync.enqueue(7)
    assert proxy.lost == 1
    assert bench.locks.holder(sync, 7).jid == jid  # type: ignore[union-attr]
    proxy.lose_reply()
    assert sync.enqueue(7) is None
    assert bench.raw.llen(bench.key("queue:default")) == 2
    proxy.close()


def test_what_is_in_doubt_is_repeated_as_itself(make_bench: Callable[..., UniqueBench], redis_url: str) -> None:
    proxy = Proxy(redis_url)
    bench = make_bench(proxy.url, redis={"push_deadline_s": 0.3}, pro={"spool": {"enabled": False}})
    sync = bench.job(600)
    proxy.lose_reply(50)
    with pytest.raises(EnqueueUncertain) as doubt:
        sync.enqueue(7)
    proxy._losses = 0
    (jid,) = doubt.value.again()
    assert bench.holders() == {jid}
    proxy.close()


def test_a_full_redis_leaves_neither_a_job_nor_a_lock(
    make_bench: Callable[..., UniqueBench], make_server: Callable[..., Server]
) -> None:
    server = make_server()
    bench = make_bench(server.url)
    raw: Any = server.client()
    raw.config_set("maxmemory", 1)
    with pytest.raises(RedisRefused):
        bench.job(600).enqueue(7)
    raw.config_set("maxmemory", 0)
    assert raw.keys("*") == []


def test_keys_of_another_type_refuse_the_push(bench: UniqueBench) -> None:
    bench.raw.set(bench.key("unique-locks"), "x")
    with pytest.raises(redis.ResponseError, match="unique-locks is a string, expected a hash"):
        bench.job(600).enqueue(7)
    assert not bench.raw.exists(bench.key("queue:default"))


# -- given back ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_async", [False, True])
def test_the_end_of_the_job_is_the_end_of_the_lock(bench: UniqueBench, is_async: bool) -> None:
    async def acall(account: int) -> None:
        """Does nothing."""

    sync = bench.app.job(name="sync", unique=600)(acall) if is_async else bench.job(600)
    sync.enqueue(7)
    bench.start()
    bench.waits_until_settled()
    assert bench.is_clean()
    assert sync.enqueue(7)


def test_the_lock_is_kept_over_retries_and_given_back_at_death(bench: UniqueBench) -> None:
    began: list[int] = []
    again, looked = threading.Event(), threading.Event()

    def fail(_account: int, _note: str) -> None:
        if began:
            again.set()
            assert looked.wait(30)
        began.append(1)
        raise ValueError("no")

    sync = bench.job(600, fail, retry=Retry(max=1, delay=0.1))
    jid = sync.enqueue(7)
    bench.start()
    assert again.wait(15), "it is tried again"
    assert sync.enqueue(7) is None
    assert bench.locks.holder(sync, 7).jid == jid  # type: ignore[union-attr]
    looked.set()
    until(lambda: bench.raw.zcard(bench.key("dead")) == 1, what="it has died")
    assert bench.is_clean()


def test_a_job_out_of_the_dead_takes_its_lock_again_if_it_is_free(bench: UniqueBench) -> None:
    def fail(_account: int, _note: str) -> None:
        raise ValueError("no")

    sync = bench.job(True, fail, retry=0)
    jid = sync.enqueue(7)
    worker = bench.start()
    until(lambda: bench.raw.zcard(bench.key("dead")) == 1, what="it has died")
    worker.stop()
    assert bench.app.dead.retry(jid)
    assert sync.enqueue(7) is None
    assert bench.holders() == {jid}
    bench.locks.unlock(bench.locks.holder(sync, 7).digest)  # type: ignore[union-attr]
    assert sync.enqueue(7)


def test_the_deadline_counts_from_when_the_job_is_due(bench: UniqueBench) -> None:
    def fail(account: int, _note: str) -> Any:
        if account == 3:
            return Snooze(1000)
        raise ValueError("no")

    sync = bench.job(600, fail, retry=Retry(max=5, delay=5000))
    for account, delay in ((1, None), (2, 3600)):
        sync.using(delay=delay).enqueue(account)
    now_s = bench.now_ms() / 1000

    def left_s(account: int) -> float:
        lock = bench.locks.holder(sync, account)
        assert lock is not None
        assert lock.deadline_s is not None
        return lock.deadline_s - now_s

    assert 590 < left_s(1) <= 601
    assert 4190 < left_s(2) <= 4201
    sync.enqueue(3)
    bench.start()
    until(lambda: bench.raw.zcard(bench.key("retry")) == 1 and bench.raw.zcard(bench.key("schedule")) == 2)
    assert 5590 < left_s(1) <= 5620
    assert 1590 < left_s(3) <= 1620


def test_a_lock_whose_time_is_over_holds_nobody_up_and_its_old_holder_does_not_end_the_new_one(
    bench: UniqueBench,
) -> None:
    sync = bench.job(600)
    first = str(sync.enqueue(7))
    (digest,) = bench.raw.hkeys(bench.key("unique-locks"))
    bench.raw.zadd(bench.key("unique-deadlines"), {digest: bench.now_ms() - 1})
    assert bench.locks.holder(sync, 7) is None
    second = sync.enqueue(7)
    assert second
    assert bench.app.queues["default"].delete(first)
    assert bench.holders() == {second}


def test_without_for_s_a_lock_lasts_as_long_as_its_job(bench: UniqueBench) -> None:
    sync = bench.job(True)
    jid = sync.enqueue(7)
    lock = bench.locks.holder(sync, 7)
    assert lock is not None
    assert (lock.jid, lock.deadline_s) == (jid, None)
    assert sync.enqueue(7) is None
    assert bench.app.cancel(jid)
    assert bench.is_clean()


def test_a_zombie_does_not_end_the_lock_of_the_next_job(bench: UniqueBench) -> None:
    sync = bench.job(True)
    jid = str(sync.enqueue(7))
    worker = Worker(bench.app, queues=["default"])
    (plan,) = worker._plans
    zombie: Any = lease_fetcher(worker, plan, "zombie")
    zombie.open()
    (unit,) = zombie.exchange((), 1)
    calls = bench.app.composer.calls("done", json.loads(unit.payload))
    bench.raw.zadd(bench.app.keys.owners, {"zombie": 1})
    bench.start()
    until(bench.is_clean, 30, "it was recovered, and has run elsewhere")
    other = sync.using(queue="other").enqueue(7)
    assert other != jid
    with pytest.raises(Fenced):
        zombie.exchange([Settlement(unit, "done", 0.0, None, calls)], 0)
    assert bench.holders() == {other}
    zombie.close()


# -- policies --------------------------------------------------------------------------------------------------


def test_throttle_lets_one_through_in_its_time(bench: UniqueBench) -> None:
    ran: list[int] = []
    sync = bench.job(Unique(600, policy="throttle"), lambda account, _note: ran.append(account))
    assert sync.enqueue(7)
    bench.start()
    bench.waits_until_settled()
    assert sync.enqueue(7) is None
    (digest,) = bench.raw.hkeys(bench.key("unique-locks"))
    bench.raw.zadd(bench.key("unique-deadlines"), {digest: bench.now_ms() - 1})
    assert sync.enqueue(7)
    bench.waits_until_settled()
    assert ran == [7, 7]


def test_a_throttled_job_that_never_ran_has_used_no_time(bench: UniqueBench) -> None:
    sync = bench.job(Unique(600, policy="throttle"))
    jid = str(sync.enqueue(7))
    assert bench.app.queues["default"].delete(jid)
    assert sync.enqueue(7)


def test_replace_takes_the_place_of_a_scheduled_job(bench: UniqueBench) -> None:
    ran: list[str] = []
    unique = Unique(policy="replace", by="account")
    sync = bench.job(unique, lambda _account, note: ran.append(note)).using(delay=3600)
    first, second = sync.enqueue(7, "old"), sync.enqueue(7, "new")
    assert first != second
    assert bench.holders() == {second}
    assert bench.raw.zcard(bench.key("schedule")) == 1
    assert bench.app.scheduled.run_now(str(second))
    bench.start()
    bench.waits_until_settled()
    assert ran == ["new"]
    assert bench.is_clean()


def test_replace_takes_the_place_of_a_job_in_its_queue_which_ends_without_being_run(bench: UniqueBench) -> None:
    ran: list[str] = []
    sync = bench.job(Unique(policy="replace", by="account"), lambda _account, note: ran.append(note))
    old = [str(sync.enqueue(7, note)) for note in "abc"]
    latest = sync.enqueue(7, "d")
    assert bench.holders() == {latest}
    assert bench.raw.llen(bench.key("queue:default")) == 4
    assert "another job has taken its place" in str(bench.app.why(old[0]))
    assert bench.app.queues["default"].delete(old[1])
    bench.start()
    bench.waits_until_settled()
    assert ran == ["d"]
    assert bench.is_clean()


def test_a_job_that_has_begun_is_not_replaced(bench: UniqueBench) -> None:
    begun: list[Any] = []

    def body(_account: int, _note: str) -> None:
        begun.append(sync.enqueue(7, "more"))

    sync = bench.job(Unique(policy="replace", by="account"), body)
    sync.enqueue(7, "a")
    bench.start()
    bench.waits_until_settled()
    assert begun == [None]
    assert bench.is_clean()


def test_debounce_runs_once_after_the_last_call_with_its_arguments(bench: UniqueBench) -> None:
    ran: list[str] = []
    sync = bench.job(Unique(60, policy="debounce", by="account"), lambda _account, note: ran.append(note))
    bench.start()
    jids = [sync.enqueue(7, note) for note in "abcd"]
    before_s = time.time()
    jids.append(sync.enqueue(7, "e"))
    ((_payload, due_s),) = bench.raw.zrange(bench.key("schedule"), 0, -1, withscores=True)
    assert before_s + 60 <= due_s <= time.time() + 60, "so long after the last call"
    assert bench.app.scheduled.run_now(jids[-1])
    until(lambda: ran, what="it has run")
    bench.waits_until_settled()
    assert ran == ["e"]
    assert bench.is_clean()


def test_a_call_while_a_debounced_job_runs_is_not_lost(bench: UniqueBench) -> None:
    ran: list[str] = []

    def body(_account: int, note: str) -> None:
        ran.append(note)
        if note == "first":
            assert sync.enqueue(7, "second")

    sync = bench.job(Unique(0.1, policy="debounce", by="account"), body)
    sync.enqueue(7, "first")
    bench.start()
    until(lambda: len(ran) == 2, what="both have run")
    assert ran == ["first", "second"]
