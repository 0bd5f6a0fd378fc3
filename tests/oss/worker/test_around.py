"""The middleware of a worker: each job pays for the links that it needs, and for no others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from offsider import App
from offsider.contract.measures import Window
from offsider.contract.middleware import NextAsync, NextSync, ServerMiddleware
from offsider.contract.work import Settled, Settlement
from offsider.worker.worker import Worker
from support.bench import payload
from support.waiting import until

Start = Callable[..., Worker]


class Noting(ServerMiddleware):
    """Notes the jobs that it stands around."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def call(self, execution: Any, next: NextSync) -> Any:
        self.seen.append(execution.record["args"][0])
        return next(execution)

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        self.seen.append(execution.record["args"][0])
        return await next(execution)


class OfTenants(Noting):
    """The same, for jobs with a tenant."""

    fields = frozenset({"tenant"})


@pytest.fixture
def app(make_app: Callable[..., App]) -> App:
    one = make_app()

    @one.job(name="job")
    def job(number: int) -> None: ...

    @one.job(name="ajob")
    async def ajob(number: int) -> None: ...

    return one


def run(app: App, raw: Any, *payloads: bytes) -> None:
    """Put them into the queue and wait until they are done."""
    queue = app.keys.queue("default")
    raw.lpush(queue, *payloads)
    raw.lpush(app.keys.bell("default"), "1")
    until(lambda: not raw.exists(queue) and not raw.keys("*inflight*"))


@pytest.mark.parametrize("name", ["job", "ajob"])
def test_a_link_with_fields_stands_around_jobs_that_have_one_of_them(
    app: App, raw: Any, start_worker: Start, name: str
) -> None:
    everywhere, of_tenants = Noting(), OfTenants()
    app.server_middleware.add("everywhere", everywhere)
    app.server_middleware.add("of tenants", of_tenants)
    start_worker(app, concurrency=1)
    run(app, raw, payload(name, 1), payload(name, 2, tenant="acme"), payload(name, 3, tenant=None), payload(name, 4))
    assert sorted(everywhere.seen) == [1, 2, 3, 4]
    assert sorted(of_tenants.seen) == [2, 3]


class OfDebtors(Noting):
    """The same, for jobs with a debt."""

    fields = frozenset({"debt"})


@pytest.mark.parametrize("name", ["job", "ajob"])
def test_a_job_that_one_link_is_for_has_no_other_that_it_does_not_need(
    app: App, raw: Any, start_worker: Start, name: str
) -> None:
    of_debtors, of_tenants = OfDebtors(), OfTenants()
    app.server_middleware.add("of debtors", of_debtors)
    app.server_middleware.add("of tenants", of_tenants)
    start_worker(app, concurrency=1)
    run(app, raw, payload(name, 1, tenant="acme"), payload(name, 2, debt=7), payload(name, 3, tags=["rare"]))
    assert (of_debtors.seen, of_tenants.seen) == ([2], [1])


def test_an_inline_run_has_the_links_that_it_needs_and_no_others(app: App) -> None:
    noting, of_tenants = Noting(), OfTenants()
    noting.idle = True
    app.server_middleware.add("noting", noting)
    app.server_middleware.add("of tenants", of_tenants)
    app.jobs["job"].inline(1)
    assert (noting.seen, of_tenants.seen) == ([], [])


@pytest.mark.parametrize("name", ["job", "ajob"])
def test_an_idle_link_stands_around_no_job_until_the_worker_is_told(
    app: App, raw: Any, start_worker: Start, name: str
) -> None:
    noting, of_tenants = Noting(), OfTenants()
    noting.idle = of_tenants.idle = True
    app.server_middleware.add("noting", noting)
    app.server_middleware.add("of tenants", of_tenants)
    worker = start_worker(app, concurrency=1)
    run(app, raw, payload(name, 1), payload(name, 2, tenant="acme"))
    assert (noting.seen, of_tenants.seen) == ([], [])
    noting.idle = of_tenants.idle = False
    worker.rewire()
    run(app, raw, payload(name, 3), payload(name, 4, tenant="acme"))
    assert (sorted(noting.seen), of_tenants.seen) == ([3, 4], [4])


def test_what_becomes_idle_or_wakes_before_the_start_needs_no_call(app: App, raw: Any, start_worker: Start) -> None:
    noting = Noting()
    noting.idle = True
    app.server_middleware.add("noting", noting)

    @app.on("startup")
    def wake() -> None:
        noting.idle = False

    start_worker(app, concurrency=1)
    run(app, raw, payload("job", 1))
    assert noting.seen == [1]


class Elsewhere(ServerMiddleware):
    """Says that a job has ended elsewhere, a moment longer after its timeout than anybody would wait."""

    fields = frozenset({"tenant"})
    keeps_time = True

    def call(self, execution: Any, next: NextSync) -> Any:
        threading.Event().wait(0.3)
        self._end(execution)

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        await asyncio.sleep(0.3)
        self._end(execution)

    def _end(self, execution: Any) -> None:
        kept = execution.unit.payload.replace(b'"acme"', b'"done"')
        raise Settled(Settlement(execution.unit, "retry", 60.0, kept), failed=True)


class Counting:
    """A sink that adds up what it is told."""

    def __init__(self) -> None:
        self.processed = self.failed = 0

    def write(self, windows: Sequence[Window]) -> None:
        for window in windows:
            self.processed += sum(tally.processed for tally in window.jobs.values())
            self.failed += sum(tally.failed for tally in window.jobs.values())

    def close(self) -> None: ...


@pytest.mark.parametrize("name", ["job", "ajob"])
def test_a_link_says_how_a_job_has_ended_elsewhere_and_keeps_its_time(app: App, raw: Any, name: str) -> None:
    app.server_middleware.add("elsewhere", Elsewhere())
    worker, counting = Worker(app, concurrency=2), Counting()
    worker.sinks.add("counting", counting, by="test")
    worker.start()
    run(app, raw, payload(name, 1, tenant="acme", timeout=0.1), payload(name, 2))
    worker.stop()
    assert raw.zrange(app.keys.retry, 0, -1) == [payload(name, 1, tenant="done", timeout=0.1)]
    assert (counting.processed, counting.failed) == (2, 1)
