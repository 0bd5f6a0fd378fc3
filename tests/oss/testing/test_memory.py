"""Jobs in memory: kept after the real serialiser and middleware, and run as a worker runs them."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from offsider import App, Cancel, Context, Retry, Snooze
from offsider.contract.middleware import ClientMiddleware, NextAsync, NextPush, NextSync, ServerMiddleware
from offsider.contract.work import Hold
from offsider.errors import InvalidArguments, InvalidOption, JobTimeout, NotJson
from offsider.job.push import PushRequest
from offsider.testing import FakeJobs, fake


@pytest.fixture
def app() -> App:
    """An app whose Redis nobody runs: nothing here may need it."""
    return App("redis://127.0.0.1:1/0", editions=[], redis={"push_deadline_s": 0.05})


# -- what is kept ----------------------------------------------------------------------------------------------


def test_a_job_is_kept_with_its_id_arguments_and_options(app: App) -> None:
    @app.job(queue="mail", name="welcome")
    def welcome(user: UUID, *, share: Decimal = Decimal(1)) -> None: ...

    user = UUID(int=7)
    with fake(app) as jobs:
        jid = welcome.using(tags=["a"]).enqueue(user, share=Decimal("0.1"))
    (job,) = jobs
    assert (job.jid, job.name, job.queue, job.at_s) == (jid, "welcome", "mail", None)
    assert (job.args, job.kwargs) == ([user], {"share": Decimal("0.1")})
    assert job.record["tags"] == ["a"]
    assert job.record["enqueued_at"] >= job.record["created_at"]


def test_arguments_are_checked_as_always(app: App) -> None:
    @app.job
    def add(a: int, b: Any) -> None: ...

    with fake(app) as jobs:
        with pytest.raises(InvalidArguments):
            add.enqueue("one", 2)
        with pytest.raises(NotJson):
            add.enqueue(1, {2})
        assert jobs.jobs == []


def test_jobs_that_are_due_later_come_after_the_others_by_their_time(app: App) -> None:
    @app.job
    def add(n: int) -> None: ...

    with fake(app) as jobs:
        add.using(delay=60).enqueue(3)
        add.using(at=datetime(2020, 1, 1, tzinfo=UTC)).enqueue(2)
        add.enqueue(1)
        assert [job.args for job in jobs] == [[1], [2], [3]]
        assert "enqueued_at" not in jobs.jobs[2].record


class Stamp(ClientMiddleware):
    """Writes a tenant, and stops jobs of nobody."""

    tenant = "acme"

    def push(self, request: PushRequest, next: NextPush) -> PushRequest | None:
        request.record["tenant"] = self.tenant
        return next(request) if self.tenant else None


def test_client_middleware_writes_and_stops(app: App) -> None:
    stamp = Stamp()
    app.client_middleware.add("stamp", stamp)

    @app.job
    def report() -> None: ...

    with fake(app) as jobs:
        report.enqueue()
        stamp.tenant = ""
        assert report.enqueue() is None
        assert [job.record["tenant"] for job in jobs] == ["acme"]


def test_many_are_kept_too_from_def_and_async_def(app: App) -> None:
    @app.job
    def add(n: int) -> None: ...

    async def enqueue() -> None:
        await add.aenqueue(3)
        await add.aenqueue_many([(4,), (5,)])

    with fake(app) as jobs:
        assert len(add.enqueue_many([(1,), (2,)], spread=60)) == 2
        asyncio.run(enqueue())
        assert sorted(job.args[0] for job in jobs) == [1, 2, 3, 4, 5]


def test_they_are_found_by_job_and_queue_and_forgotten(app: App) -> None:
    @app.job(name="one", queue="a")
    def one() -> None: ...

    @app.job(name="two")
    def two() -> None: ...

    with fake(app) as jobs:
        one.enqueue()
        two.using(queue="a").enqueue()
        two.enqueue()
        assert [len(jobs), len(jobs.of(two)), len(jobs.of("one"))] == [3, 2, 1]
        assert [job.name for job in jobs.of(queue="a")] == ["one", "two"]
        assert [job.name for job in jobs.of(two.using(queue="x"), queue="a")] == ["two"]
        jobs.run_one()
        jobs.clear()
        assert (jobs.jobs, jobs.ran) == ([], [])


def test_every_thread_and_task_pushes_into_it(app: App) -> None:
    @app.job
    def add(n: int) -> None: ...

    async def tasks() -> None:
        await asyncio.gather(*(add.aenqueue(n) for n in range(20)))

    with fake(app) as jobs:
        threads = [threading.Thread(target=add.enqueue_many, args=([(n,) for n in range(50)],)) for _ in range(8)]
        for thread in threads:
            thread.start()
        asyncio.run(tasks())
        for thread in threads:
            thread.join()
        assert len(jobs) == 420
        assert jobs.drain() == 420


def test_modes_do_not_nest_and_end_with_their_block(app: App) -> None:
    before = app.pusher
    with fake(app):
        with pytest.raises(InvalidOption, match="'fake' already"):
            with fake(app):
                pass
    with pytest.raises(ZeroDivisionError), fake(app):
        raise ZeroDivisionError
    assert app.pusher is before


# -- what runs -------------------------------------------------------------------------------------------------


def test_drain_runs_all_and_what_they_enqueue(app: App) -> None:
    ran: list[int] = []

    @app.job
    def down(n: int) -> None:
        ran.append(n)
        if n:
            down.using(delay=60).enqueue(n - 1)

    with fake(app) as jobs:
        down.enqueue(3)
        assert jobs.drain() == 4
        assert (ran, len(jobs), len(jobs.ran)) == ([3, 2, 1, 0], 0, 4)


def test_drain_runs_only_what_is_asked_for(app: App) -> None:
    @app.job(name="one")
    def one() -> None: ...

    @app.job(name="two", queue="low")
    def two() -> None: ...

    with fake(app) as jobs:
        one.enqueue()
        two.enqueue()
        assert jobs.drain(one) == 1
        assert jobs.drain(queue="default") == 0
        assert jobs.drain(queue="low") == 1


def test_async_jobs_run_from_anywhere(app: App) -> None:
    ran: list[str] = []

    @app.job
    async def slow(name: str) -> str:
        await asyncio.sleep(0)
        ran.append(name)
        return name

    @app.job
    def quick(name: str) -> None:
        ran.append(name)

    async def on_a_loop(jobs: FakeJobs) -> None:
        slow.enqueue("thread")
        assert jobs.drain() == 1
        await slow.aenqueue("task")
        await quick.aenqueue("def")
        assert await jobs.adrain() == 2
        await slow.aenqueue("one")
        assert (await jobs.arun_one()).result == "one"
        with pytest.raises(InvalidOption):
            await jobs.arun_one()

    with fake(app) as jobs:
        slow.enqueue("plain")
        jobs.drain()
        asyncio.run(on_a_loop(jobs))
    assert ran == ["plain", "thread", "task", "def", "one"]


class Note(ServerMiddleware):
    """Notes the jobs that it has seen."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def call(self, execution: Any, next: NextSync) -> Any:
        self.seen.append(execution.job.name)
        return next(execution)

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        self.seen.append(execution.job.name)
        return await next(execution)


def test_server_middleware_and_the_context_are_there(app: App) -> None:
    note = Note()
    app.server_middleware.add("note", note)
    seen: list[Any] = []

    @app.job(name="look", tags=["a"])
    def look(ctx: Context) -> None:
        seen.append((ctx.jid, ctx.attempt, ctx.tags, ctx.stopping))

    with fake(app) as jobs:
        jid = look.enqueue()  # type: ignore[call-arg]
        jobs.drain()
    assert note.seen == ["look"]
    assert seen == [(jid, 0, ("a",), False)]


# -- what fails ------------------------------------------------------------------------------------------------


def test_a_failure_is_raised_and_the_job_is_among_the_retries(app: App) -> None:
    @app.job
    def fail() -> None:
        raise ValueError("broken")

    with fake(app) as jobs:
        fail.enqueue()
        with pytest.raises(ValueError, match="broken"):
            jobs.drain()
        (job,) = jobs.retries
        assert (job.attempt, job.error, len(jobs)) == (1, "ValueError: broken", 0)
        assert job.at_s is not None


def test_retries_run_to_their_end_when_they_are_asked_for(app: App) -> None:
    attempts: list[int] = []
    events: list[str] = []
    app.events.on("death", lambda record, error: events.append(str(error)))

    @app.job(retry=Retry(max=2), on_exhausted=lambda record, error: events.append("exhausted"))
    def fail(ctx: Context) -> None:
        attempts.append(ctx.attempt)
        raise ValueError("broken")

    with fake(app) as jobs:
        fail.enqueue()  # type: ignore[call-arg]
        assert jobs.drain(raises=False) == 3
        assert attempts == [0, 1, 2]
        assert [job.error for job in jobs.dead] == ["ValueError: broken"]
        assert (jobs.jobs, jobs.retries) == ([], [])
    assert sorted(events) == ["broken", "exhausted"]


def test_a_job_that_recovers_is_done(app: App) -> None:
    @app.job
    def second_time(ctx: Context) -> str:
        if ctx.attempt == 0:
            raise ValueError("not yet")
        return "done"

    with fake(app) as jobs:
        second_time.enqueue()  # type: ignore[call-arg]
        assert jobs.drain(raises=False) == 2
        assert [(ran.kind, ran.result) for ran in jobs.ran] == [("retry", None), ("done", "done")]


def test_run_one_records_and_does_not_raise(app: App) -> None:
    @app.job(retry=False)
    def fail() -> None:
        raise ValueError("broken")

    with fake(app) as jobs:
        fail.enqueue()
        ran = jobs.run_one(fail)
        assert (ran.kind, type(ran.error)) == ("done", ValueError), "discarded: nothing is kept"
        with pytest.raises(InvalidOption, match="nothing at all"):
            jobs.run_one()


def test_snoozed_cancelled_and_held_jobs(app: App) -> None:
    class Closed(ServerMiddleware):
        def call(self, execution: Any, next: NextSync) -> Any:
            if execution.job.name == "held":
                raise Hold("closed", delay_s=60)
            return next(execution)

        async def acall(self, execution: Any, next: NextAsync) -> Any:
            return await next(execution)

    app.server_middleware.add("closed", Closed())

    @app.job(name="snooze")
    def snooze() -> Snooze:
        return Snooze(timedelta(minutes=1))

    @app.job(name="cancel")
    def cancel() -> Cancel:
        return Cancel("no")

    @app.job(name="held")
    def held() -> None: ...

    with fake(app) as jobs:
        for job in (snooze, cancel, held):
            job.enqueue()
        assert jobs.drain() == 3
        assert sorted(job.name for job in jobs) == ["held", "snooze"]
        assert all(job.at_s is not None and job.attempt == 0 for job in jobs)


@pytest.mark.parametrize("retry", [True, False])
def test_a_timeout_ends_a_body(app: App, retry: bool) -> None:
    @app.job(timeout=0.02, retry=retry)
    async def slow() -> None:
        await asyncio.Event().wait()

    @app.job(timeout=0.02, retry=retry)
    def busy() -> None:
        while True:
            pass

    with fake(app) as jobs:
        for job in (slow, busy):
            job.enqueue()
            error = jobs.run_one().error
            assert isinstance(error, JobTimeout)
            assert "longer than its timeout" in str(error)


def test_jobs_that_enqueue_each_other_for_ever_are_told(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offsider.testing.memory.MOST_RUNS", 20)

    @app.job
    def again() -> None:
        again.enqueue()

    with fake(app) as jobs:
        again.enqueue()
        with pytest.raises(InvalidOption, match="for ever"):
            jobs.drain()
