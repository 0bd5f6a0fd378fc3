"""How unique jobs go together with everything else: one row of the table for each combination."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App, Retry, Snooze
from offsider.testing import fake
from offsider_enterprise.cron import Crontab
from offsider_enterprise.unique import EnqueueRejected, Unique
from offsider_enterprise.unique.check_service import LockCheck
from offsider_pro.delete import Deletion
from offsider_pro.pause import Pauses
from support.loops import on_loop
from support.waiting import until

from .conftest import UniqueBench

Row = Callable[[UniqueBench], None]
ROWS: dict[str, Row] = {}


def row(function: Row) -> Row:
    """A row of the table, by the function's name."""
    ROWS[function.__name__] = function
    return function


def fail(*_given: Any) -> None:
    raise ValueError("no")


# -- where a job waits -----------------------------------------------------------------------------------------


@row
def a_job_that_is_scheduled(bench: UniqueBench) -> None:
    """Its lock counts from its time, and the scheduler's move is not held up by it."""
    sync = bench.job(600)
    jid = sync.using(delay=0.3).enqueue(7)
    assert sync.enqueue(7) is None
    bench.start()
    until(lambda: not bench.raw.exists(bench.key("schedule")), what="it is due")
    bench.waits_until_settled()
    assert bench.is_clean(), jid


@row
def a_job_that_is_given_another_time(bench: UniqueBench) -> None:
    sync = bench.job(600)
    jid = str(sync.using(delay=60).enqueue(7))
    assert bench.app.scheduled.reschedule(jid, bench.now_ms() / 1000 + 7200)
    lock = bench.locks.holder(sync, 7)
    assert lock is not None
    assert lock.deadline_s is not None
    assert 7700 < lock.deadline_s - bench.now_ms() / 1000 < 7801


@row
def a_job_that_is_killed_by_hand(bench: UniqueBench) -> None:
    sync = bench.job(600)
    assert bench.app.scheduled.kill(str(sync.using(delay=60).enqueue(7)))
    assert bench.is_clean()


@row
def a_job_that_is_deleted_where_it_waits(bench: UniqueBench) -> None:
    sync = bench.job(True)
    assert bench.app.queues["default"].delete(str(sync.enqueue(1)))
    assert bench.app.scheduled.delete(str(sync.using(delay=60).enqueue(1)))
    sync.using(delay=60).enqueue(1)
    assert bench.app.scheduled.delete_all() == 1
    assert bench.is_clean()


@row
def a_job_that_is_deleted_by_id_or_class(bench: UniqueBench) -> None:
    sync, deletion = bench.job(True), Deletion(bench.app)
    assert deletion.by_jid("default", str(sync.enqueue(7)))
    assert deletion.scheduled(str(sync.using(delay=60).enqueue(7)))
    sync.enqueue_many([(1,), (2,)])
    sync.using(delay=60).enqueue_many([(3,), (4,)])
    assert (deletion.by_class("default", "sync"), deletion.scheduled_class("sync")) == (2, 2)
    assert bench.is_clean()


@row
def a_queue_that_is_cleared(bench: UniqueBench) -> None:
    """Nobody looks at its jobs: the check finds within a minute that they are gone."""
    sync = bench.job(True)
    sync.enqueue(7)
    bench.app.queues["default"].clear()
    assert sync.enqueue(7) is None
    check = LockCheck(bench.start(), 1.0)
    until(lambda: check.tick() < 0 or bench.is_clean(), what="its lock is ended")
    assert sync.enqueue(7)


@row
def a_job_that_is_cancelled_while_it_waits(bench: UniqueBench) -> None:
    sync = bench.job(True)
    assert bench.app.cancel(str(sync.enqueue(7)))
    assert bench.app.cancel(str(sync.using(delay=60).enqueue(7)))
    assert bench.is_clean()


@row
def a_job_that_is_cancelled_while_it_runs(bench: UniqueBench) -> None:
    begun = threading.Event()

    @bench.app.job(name="long", unique=True)
    async def long() -> None:
        begun.set()
        import asyncio

        await asyncio.sleep(60)

    jid = str(long.enqueue())
    bench.start()
    assert begun.wait(10)
    assert bench.app.cancel(jid).requested
    bench.waits_until_settled()
    assert bench.is_clean()


# -- how a job runs --------------------------------------------------------------------------------------------


@row
def a_job_that_is_retried_and_then_dies(bench: UniqueBench) -> None:
    sync = bench.job(True, fail, retry=Retry(max=1, delay=0.1))
    sync.enqueue(7)
    bench.start()
    until(lambda: bench.raw.zcard(bench.key("dead")) == 1, what="it has died")
    assert bench.is_clean()


@row
def a_job_that_is_not_kept_when_it_fails(bench: UniqueBench) -> None:
    sync = bench.job(True, fail, retry=False)
    sync.enqueue(7)
    bench.start()
    bench.waits_until_settled()
    assert bench.is_clean()


@row
def a_job_that_snoozes(bench: UniqueBench) -> None:
    sync = bench.job(True, lambda *_given: Snooze(3600))
    jid = sync.enqueue(7)
    bench.start()
    until(lambda: bench.raw.zcard(bench.key("schedule")) == 1, what="it sleeps")
    assert bench.holders() == {jid}


@row
def a_resumable_job_that_goes_on_later(bench: UniqueBench) -> None:
    @bench.app.job(name="walk", unique=Unique(until="start"), max_run_s=0.01)
    def walk(cursor: int | None) -> Any:
        for step in range(cursor or 0, 50):
            threading.Event().wait(0.001)
            yield step + 1

    walk.enqueue()
    bench.start()
    until(lambda: bench.is_clean(), what="it has begun")
    second = walk.enqueue()
    assert second, "the lock ends at the first start only"
    until(lambda: bench.is_clean() and bench._settled() and not bench.raw.exists(bench.key("schedule")))


@row
def a_lock_until_the_start(bench: UniqueBench) -> None:
    seen: list[Any] = []
    sync = bench.job(Unique(until="start"), lambda account, note: seen.append(sync.enqueue(account, note)))
    sync.using(queue="default").enqueue(7)
    worker = bench.start(concurrency=1)
    until(lambda: len(seen) >= 2, what="it has enqueued itself, and again")
    worker.quiet()
    assert all(seen)


@row
def a_job_that_runs_inline(bench: UniqueBench) -> None:
    """It locks while it runs, is not run beside another, and gives back whatever its body does."""
    seen: list[Any] = []

    def body(account: int, _note: str) -> int:
        seen.append(sync.enqueue(account))
        seen.append(sync.inline(account))
        lock = bench.locks.holder(sync, account)
        assert lock is not None
        assert lock.inline
        if account == 2:
            raise ValueError("no")
        return account

    sync = bench.job(600, body)
    assert sync.inline(1) == 1
    with pytest.raises(ValueError, match="no"):
        sync.inline(2)
    assert seen == [None] * 4
    assert bench.is_clean()
    jid = sync.enqueue(3)
    assert sync.inline(3) is None
    with pytest.raises(EnqueueRejected, match=str(jid)):
        sync.using(unique=Unique(raises=True)).inline(3)
    assert bench.holders() == {jid}


@row
def an_async_job_that_runs_inline(bench: UniqueBench) -> None:
    @bench.app.job(name="async", unique=True)
    async def work(account: int) -> int:
        return account

    assert on_loop(bench.app, work.inline(7)) == 7
    assert bench.is_clean()


# -- processes -------------------------------------------------------------------------------------------------


@row
def a_process_that_is_lost(bench: UniqueBench) -> None:
    sync = bench.job(True)
    jid = sync.enqueue(7)
    bench.take()
    assert sync.enqueue(7) is None
    assert bench.holders() == {jid}
    bench.start()
    until(lambda: bench.is_clean(), 30, "it was recovered, and has run")


@row
def a_job_that_kills_its_process_and_is_dead(bench: UniqueBench) -> None:
    sync = bench.job(True)
    sync.enqueue(7)
    payload = json.loads(bench.take())
    bench.raw.hset(bench.key("inflight:gone"), "1:default", json.dumps({**payload, "crashes": 3}))
    bench.start()
    until(lambda: bench.raw.zcard(bench.key("dead")) == 1, 30, "it is dead")
    assert bench.is_clean()


@row
def a_worker_without_the_edition(bench: UniqueBench) -> None:
    """It holds the job for one that has it, and the lock with it."""
    sync = bench.job(True)
    jid = sync.enqueue(7)
    free = App(bench.app.connections.url, editions=[], worker={"lease_s": 4.0, "beat_s": 0.2})
    worker = bench._start_worker(free)
    until(lambda: bench.raw.zcard(bench.key("schedule")) == 1, what="it is held")
    worker.stop()
    free.close()
    assert bench.holders() == {jid}
    bench.start()
    until(lambda: bench.is_clean(), what="it has run")


# -- other features --------------------------------------------------------------------------------------------


@row
def a_job_that_expires(bench: UniqueBench) -> None:
    ran: list[Any] = []
    sync = bench.job(True, lambda *given: ran.append(given))
    sync.using(expires_in=0.01).enqueue(7)
    threading.Event().wait(0.02)
    bench.start()
    bench.waits_until_settled()
    assert (ran, bench.is_clean()) == ([], True)


@row
def a_queue_that_is_paused(bench: UniqueBench) -> None:
    sync = bench.job(True)
    pauses = Pauses(bench.app)
    pauses.pause("default")
    jid = sync.enqueue(7)
    bench.start()
    assert sync.enqueue(7) is None
    assert bench.holders() == {jid}
    pauses.resume("default")
    until(lambda: bench.is_clean(), what="it has run")


@row
def a_class_that_is_paused(bench: UniqueBench) -> None:
    sync = bench.job(True)
    pauses = Pauses(bench.app)
    pauses.pause_class("sync")
    jid = sync.enqueue(7)
    bench.start()
    until(lambda: bench.raw.zcard(bench.key("schedule")) == 1, what="it is held")
    assert bench.holders() == {jid}
    pauses.resume_class("sync")
    until(lambda: bench.is_clean(), what="it has run")


@row
def an_entry_of_the_crontab(bench: UniqueBench) -> None:
    """While its last job has not ended, a run is not enqueued: slow jobs do not pile up."""
    sync = bench.job(True)
    crontab = Crontab(bench.app)
    crontab.add("nightly", sync, "0 3 * * *", args=[7])
    jid = crontab.run("nightly")
    assert bench.holders() == {jid}
    assert crontab.run("nightly") is None
    bench.start()
    bench.waits_until_settled()
    assert crontab.run("nightly")


@row
def a_test_without_redis(bench: UniqueBench) -> None:
    ran: list[int] = []
    sync = bench.job(Unique(0.1, policy="debounce"), lambda account, _note: ran.append(account))
    bench.app.connect = None  # type: ignore[assignment,method-assign]  # nobody may ask for Redis
    with fake(bench.app) as jobs:
        assert sync.enqueue(7)
        assert sync.enqueue(7)
        assert [job.record["unique_until"] for job in jobs] == ["start", "start"]
        jobs.run_one()
        sync.inline(8)
    assert ran == [7, 8]


@row
def a_transaction(bench: UniqueBench) -> None:
    """Decided at the commit: the ids were given before."""
    waiting: list[Any] = []
    later: list[Any] = [waiting.extend]
    app = bench.app
    app.deferrals.add("test", lambda: later[0], by="test")
    sync = bench.job(True)
    first, second = sync.enqueue(7), sync.enqueue(7)
    assert first
    assert second
    later[0] = None
    assert app.pusher.push_many(waiting, 1000) == [first, None]
    assert bench.holders() == {first}


@pytest.mark.parametrize("name", sorted(ROWS))
def test_unique_jobs_go_together_with(name: str, bench: UniqueBench) -> None:
    ROWS[name](bench)
