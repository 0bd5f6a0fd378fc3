"""The fetch loop: it wakes at once, keeps no job from a free slot, and survives whatever its fetcher does."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any, ClassVar

import pytest

from offsider import CONTEXT, App, Context
from offsider.contract.work import Fenced, Settlement, UnitOfWork
from offsider.errors import LostJob
from offsider.worker.capsule import BELL_S
from offsider.worker.fetch import LeaseFetcher
from offsider.worker.worker import Worker
from support.waiting import until

Start = Callable[..., Worker]
OWNERS = "{offsider}:owners"
QUEUE = "{offsider}:queue:default"


def in_flight(raw: Any) -> list[bytes]:
    return [value for key in raw.keys("{offsider}:inflight:*") for value in raw.hvals(key)]


# -- waking ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["def", "async"])
def test_an_idle_worker_is_woken_by_the_bell(app: App, start_worker: Start, kind: str) -> None:
    started: list[float] = []

    @app.job(name="threaded")
    def threaded() -> None:
        started.append(time.monotonic())

    @app.job(name="looped")
    async def looped() -> None:
        started.append(time.monotonic())

    worker = start_worker(app)
    job = threaded if kind == "def" else looped
    delays = []
    for number in range(1, 6):
        # Idle for good: the loop sleeps, the listener is inside its BLPOP.
        until(lambda: worker.capsules["default"]._asleep and not worker.busy())
        enqueued_s = time.monotonic()
        job.enqueue()
        until(lambda number=number: len(started) == number)
        delays.append(started[-1] - enqueued_s)
    assert sorted(delays)[2] < BELL_S / 10, delays


def test_a_job_whose_ring_was_lost_is_found_by_the_next_look(app: App, start_worker: Start, raw: Any) -> None:
    ran = threading.Event()

    @app.job(name="note")
    def note() -> None:
        ran.set()

    start_worker(app)
    raw.lpush("{offsider}:queue:default", b'{"queue":"default","class":"note","args":[],"jid":"silent","retry":true}')
    assert ran.wait(BELL_S + 3)


def test_an_idle_worker_asks_redis_only_now_and_then(
    make_app: Callable[..., App], start_worker: Start, raw: Any
) -> None:
    worker = start_worker(make_app(worker={"beat_s": 10.0, "lease_s": 60.0}))
    until(lambda: worker.capsules["default"]._asleep)
    before = raw.info("stats")["total_commands_processed"]
    assert not threading.Event().wait(1.0)
    assert raw.info("stats")["total_commands_processed"] - before < 40


# -- free slots ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["def", "async", "mixed"])
def test_a_job_never_waits_behind_a_long_one_while_another_worker_is_idle(
    make_app: Callable[..., App], start_worker: Start, kind: str
) -> None:
    """After a stream of jobs of microseconds one worker has taken more than it has slots for; then long ones come."""
    gate, ran = threading.Event(), threading.Semaphore(0)
    first, second = make_app(), make_app()

    def body(long: bool) -> None:
        if long:
            ran.release()
            gate.wait(20)

    async def abody(long: bool) -> None:
        if long:
            ran.release()
            await asyncio.to_thread(gate.wait, 20)

    jobs = [app.job(name="job")(abody if kind == "async" else body) for app in (first, second)]
    others = [app.job(name="other")(body if kind == "def" else abody) for app in (first, second)]
    jobs[0].enqueue_many([(False,)] * 400)
    for job in (jobs[0], others[0], jobs[0], others[0]):
        job.enqueue(True)
    start_worker(first, concurrency=2)
    start_worker(second, concurrency=2)
    try:
        before_s = time.monotonic()
        for _ in range(4):
            assert ran.acquire(timeout=3), "a long job waits though a slot is free"
        assert time.monotonic() - before_s < BELL_S / 2
    finally:
        gate.set()


@pytest.mark.alone  # an edition waits at bells of its own, which are counted here
def test_a_ring_that_a_full_worker_hears_is_passed_on(
    make_app: Callable[..., App], start_worker: Start, raw: Any
) -> None:
    """Its listener waited for a job when a slot was free; the slots were filled since; another worker is idle."""
    gates = {name: threading.Event() for name in ("short", "long")}
    begun: SimpleQueue[str] = SimpleQueue()

    def body(name: str) -> None:
        begun.put(name)
        if name in gates:
            gates[name].wait(20)

    first, second = make_app(), make_app()
    job, _other = (app.job(name="job")(body) for app in (first, second))
    start_worker(first, concurrency=2)
    job.enqueue("short")
    assert begun.get(timeout=10) == "short"
    until(lambda: raw.info("clients")["blocked_clients"] == 3)  # its listener, its scheduler, and for what is cancelled
    start_worker(second, concurrency=1)
    until(lambda: raw.info("clients")["blocked_clients"] == 6)
    raw.lpush(QUEUE, *(payload("long", number) for number in range(2)))  # without a ring: a job's end finds them
    try:
        gates["short"].set()
        assert [begun.get(timeout=1), begun.get(timeout=1)] == ["long", "long"]
        before_s = time.monotonic()
        job.enqueue("next")
        assert begun.get(timeout=10) == "next"
        assert time.monotonic() - before_s < BELL_S / 4
    finally:
        gates["long"].set()


def payload(name: str, number: int) -> bytes:
    return b'{"queue":"default","class":"job","args":["%s"],"jid":"j%d","retry":true}' % (name.encode(), number)


def test_jobs_of_one_worker_with_one_slot_run_in_the_order_of_their_enqueuing(app: App, start_worker: Start) -> None:
    ran: list[int] = []

    @app.job(name="note")
    def note(number: int) -> None:
        ran.append(number)

    note.enqueue_many([(number,) for number in range(2000)])
    start_worker(app, concurrency=1)
    until(lambda: len(ran) == 2000, 20)
    assert ran == list(range(2000))


def test_two_workers_run_each_job_once(make_app: Callable[..., App], start_worker: Start, raw: Any) -> None:
    ran: list[int] = []
    apps = [make_app(), make_app()]
    jobs = [app.job(name="note")(_noting(ran)) for app in apps]
    jobs[0].enqueue_many([(number,) for number in range(3000)])
    for app in apps:
        start_worker(app)
    until(lambda: len(ran) >= 3000, 20)
    until(lambda: not in_flight(raw))
    assert sorted(ran) == list(range(3000))


def _noting(ran: list[int]) -> Callable[[int], None]:
    def note(number: int) -> None:
        ran.append(number)

    return note


# -- a lost lease --------------------------------------------------------------------------------------------------


def test_who_lost_its_lease_begins_anew_and_its_late_outcome_changes_nothing(
    app: App, start_worker: Start, raw: Any
) -> None:
    held, checked, gate = threading.Event(), threading.Event(), threading.Event()
    seen: list[Any] = []
    fenced: list[str] = []
    app.events.on("fenced", fenced.append)

    @app.job(name="hold")
    def hold(ctx: Context = CONTEXT) -> None:
        seen.append(ctx.still_ours())
        held.set()
        gate.wait(10)
        until(lambda: not ctx.still_ours(), 10)
        try:
            ctx.check()
        except LostJob as error:
            seen.append(str(error))
            raise
        finally:
            checked.set()

    @app.job(name="after")
    def after() -> None:
        seen.append("after")

    start_worker(app, concurrency=2)
    jid = hold.enqueue()
    assert held.wait(10)
    (old,) = raw.zrange(OWNERS, 0, -1)
    lose_leases(raw)
    gate.set()
    assert checked.wait(10)
    assert seen == [True, f"job 'hold' ({jid}) was given to another process; stop without an effect"]
    until(lambda: fenced)
    assert fenced == [old.decode()]
    after.enqueue()
    until(lambda: seen[-1] == "after")
    (new,) = raw.zrange(OWNERS, 0, -1)
    assert new != old
    until(lambda: nowhere(raw))


def nowhere(raw: Any) -> bool:
    """No job is in any place of Redis."""
    return not in_flight(raw) and not raw.exists(
        QUEUE, *(f"{{offsider}}:{place}" for place in ("retry", "schedule", "dead", "quarantine"))
    )


@pytest.mark.parametrize("kind", ["def", "async"])
def test_a_lost_job_that_fails_is_not_retried_by_who_lost_it(
    app: App, start_worker: Start, raw: Any, kind: str
) -> None:
    held, ended = threading.Event(), threading.Event()
    fenced: list[str] = []
    app.events.on("fenced", fenced.append)

    def body() -> None:
        held.set()
        until(lambda: fenced)
        ended.set()
        raise ValueError("boom")

    async def abody() -> None:
        await asyncio.to_thread(held.set)
        await asyncio.to_thread(until, lambda: fenced)
        ended.set()
        raise ValueError("boom")

    job = app.job(name="job")(body if kind == "def" else abody)
    worker = start_worker(app, concurrency=2)
    job.enqueue()
    assert held.wait(10)
    lose_leases(raw)
    assert ended.wait(10)
    until(lambda: not len(worker.capsules["default"]._rounds.hand))
    worker.stop(1)
    assert nowhere(raw)


def test_a_worker_whose_slots_are_all_busy_learns_that_it_lost_its_lease(
    app: App, start_worker: Start, raw: Any
) -> None:
    held, lost = threading.Event(), threading.Event()

    @app.job(name="hold")
    def hold(ctx: Context = CONTEXT) -> None:
        held.set()
        until(lambda: not ctx.still_ours(), 3)
        lost.set()

    start_worker(app, concurrency=1)
    hold.enqueue()
    assert held.wait(10)
    lose_leases(raw)
    assert lost.wait(2), "ctx.check() says 'ours' while the job runs elsewhere"


def lose_leases(raw: Any) -> None:
    """What another process does that takes all owners for dead: the jobs are elsewhere from here on."""
    for owner in raw.zrange(OWNERS, 0, -1):
        raw.zrem(OWNERS, owner)
        raw.delete(b"{offsider}:inflight:" + owner)


# -- a fetcher that fails --------------------------------------------------------------------------------------------


class Faulty(LeaseFetcher):
    """Fails as often as the test has said, with errors that nobody expects."""

    errors: list[Exception]

    def exchange(self, settled: Sequence[Settlement], want: int) -> list[UnitOfWork]:
        """Fail, or do what it should."""
        if self.errors:
            raise self.errors.pop()
        return super().exchange(settled, want)


def test_an_unexpected_error_of_the_fetcher_does_not_end_the_loop(
    app: App, start_worker: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ran = threading.Event()
    errors: list[Exception] = [ValueError("a defect"), RecursionError(), MemoryError()]

    class Mine(Faulty):
        pass

    Mine.errors = errors
    monkeypatch.setattr("offsider.worker.worker.ReadAheadFetcher", Mine)

    @app.job(name="note")
    def note() -> None:
        ran.set()

    start_worker(app)
    note.enqueue()
    assert ran.wait(10)
    assert errors == []
    assert "capsule default: " in caplog.text
    assert "trying again" in caplog.text


def test_a_fetcher_that_is_fenced_again_and_again_is_replaced_each_time(
    app: App, start_worker: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = threading.Event()
    fenced: list[str] = []
    app.events.on("fenced", fenced.append)

    class Mine(Faulty):
        errors: ClassVar[list[Exception]] = [Fenced("x"), Fenced("x"), Fenced("x")]

    monkeypatch.setattr("offsider.worker.worker.ReadAheadFetcher", Mine)

    @app.job(name="note")
    def note() -> None:
        ran.set()

    start_worker(app)
    note.enqueue()
    assert ran.wait(10)
    assert Mine.errors == []
    assert len(set(fenced)) == len(fenced) >= 3


def test_a_beat_while_the_new_lease_is_being_opened_is_no_second_loss(
    app: App, start_worker: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = threading.Event()
    fenced: list[str] = []
    app.events.on("fenced", fenced.append)

    class Mine(Faulty):
        errors: ClassVar[list[Exception]] = []
        capsule: Any = None

        def open(self) -> None:
            if self.capsule is not None:
                self.capsule.renew()  # what the heartbeat does at any time
            super().open()

    monkeypatch.setattr("offsider.worker.worker.ReadAheadFetcher", Mine)

    @app.job(name="note")
    def note() -> None:
        ran.set()

    Mine.capsule = start_worker(app).capsules["default"]
    Mine.errors.append(Fenced("x"))
    until(lambda: fenced, what="the next exchange, at the bell's time-out at the latest, has been fenced")
    note.enqueue()
    assert ran.wait(3)
    assert len(fenced) == 1
