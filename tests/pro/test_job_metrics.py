"""Metrics of jobs: Sidekiq's names and tags, each run counted once, however it ends."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App, Cancel, Context, Snooze
from offsider.contract.middleware import ServerMiddleware
from offsider.contract.work import Hold
from offsider.worker.worker import Worker
from offsider_pro.job_metrics import JobMetrics
from support.bench import Bench, payload
from support.waiting import until


class Ledger:
    """A client that remembers."""

    def __init__(self) -> None:
        self.said: list[tuple[str, float, list[str]]] = []

    def increment(self, metric: str, value: float = 1, tags: list[str] | None = None) -> None:
        self.said.append((metric, value, tags or []))

    timing = distribution = increment

    def counts(self) -> dict[str, int]:
        """How often each metric was sent, without the prefix."""
        return dict(Counter(name.removeprefix("sidekiq.jobs.") for name, _value, _tags in self.said))

    def tags(self, name: str) -> list[str]:
        """Those of the only metric of this name."""
        (tags,) = [tags for metric, _value, tags in self.said if metric == f"sidekiq.jobs.{name}"]
        return tags


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def metered(make_pro: Callable[..., App], ledger: Ledger) -> App:
    """An app whose metrics go into the ledger."""
    return make_pro(edition={"statsd": ledger}, pro={"costs": False})


@pytest.fixture
def metered_bench(metered: App, raw: Any, start_worker: Callable[..., Worker]) -> Bench:
    return Bench(metered, raw, start_worker)


def test_a_job_that_returns_is_counted_and_timed(metered: App, metered_bench: Bench, ledger: Ledger) -> None:
    metered.job(name="report")(lambda: None)
    metered.jobs["report"].enqueue()
    metered_bench.run()
    assert ledger.counts() == {"count": 1, "success": 1, "perform": 1, "perform_dist": 1}
    for name in ("count", "success", "perform", "perform_dist"):
        assert ledger.tags(name) == ["worker:report", "queue:default"]


def test_an_async_job_is_counted_and_timed(metered: App, metered_bench: Bench, ledger: Ledger) -> None:
    @metered.job(name="report")
    async def report() -> None: ...

    report.enqueue()
    metered_bench.run()
    assert ledger.counts() == {"count": 1, "success": 1, "perform": 1, "perform_dist": 1}


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_job_that_fails_is_counted_with_its_error_and_not_timed(
    metered: App, metered_bench: Bench, ledger: Ledger, kind: str
) -> None:
    def fail() -> None:
        raise KeyError("x")

    async def afail() -> None:
        raise KeyError("x")

    metered.job(name="report")(fail if kind == "sync" else afail)
    metered.jobs["report"].enqueue()
    metered_bench.run()
    assert ledger.counts() == {"count": 1, "failure": 1}
    assert ledger.tags("failure") == ["worker:report", "queue:default", "error_type:KeyError"]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_job_that_takes_too_long_is_one_failure(
    metered: App, metered_bench: Bench, ledger: Ledger, kind: str
) -> None:
    def turn() -> None:
        while True:
            pass

    async def aturn() -> None:
        await asyncio.Event().wait()

    metered.job(name="report", timeout=0.2)(turn if kind == "sync" else aturn)
    metered.jobs["report"].enqueue()
    metered_bench.run()
    assert ledger.counts() == {"count": 1, "failure": 1}
    assert ledger.tags("failure")[2] == "error_type:offsider.errors.JobTimeout"


@pytest.mark.parametrize("result", [Snooze(100), Cancel("no")])
def test_a_job_that_returns_a_value_is_a_success(
    metered: App, metered_bench: Bench, ledger: Ledger, result: object
) -> None:
    metered.job(name="report")(lambda: result)
    metered.jobs["report"].enqueue()
    metered_bench.run()
    assert ledger.counts()["success"] == 1


def test_a_job_that_is_held_is_neither(metered: App, metered_bench: Bench, ledger: Ledger) -> None:
    class Closed(ServerMiddleware):
        def call(self, execution: Any, next: Any) -> Any:
            raise Hold("closed", delay_s=100)

        async def acall(self, execution: Any, next: Any) -> Any:
            raise Hold("closed", delay_s=100)

    metered.server_middleware.add("closed", Closed())
    metered.job(name="report")(lambda: None)
    metered.jobs["report"].enqueue()
    metered_bench.run()
    assert set(ledger.counts()) <= {"count"}


def test_an_expired_job_is_only_that(metered: App, metered_bench: Bench, ledger: Ledger) -> None:
    metered.job(name="report")(lambda: None)
    metered.jobs["report"].using(expires_at=time.time() - 1).enqueue()
    metered_bench.run()
    assert ledger.counts() == {"expired": 1}
    assert ledger.tags("expired") == ["worker:report", "queue:default"]


def test_a_job_whose_process_was_lost_too_often_is_poison(metered: App, metered_bench: Bench, ledger: Ledger) -> None:
    metered.job(name="report")(lambda: None)
    metered_bench.start()
    client, keys = metered_bench.raw, metered.keys
    client.hset(keys.inflight("gone"), "1:default", payload("report", crashes=3))
    client.zadd(keys.owners, {"gone": 1})
    until(lambda: ledger.counts() == {"poison": 1, "recovered.fetch": 1}, what="its death is counted")
    assert ledger.tags("poison") == ["worker:report", "queue:default"]


def test_a_job_may_have_tags_of_its_own(
    make_pro: Callable[..., App], raw: Any, start_worker: Callable[..., Worker], ledger: Ledger
) -> None:
    def tags(name: str, record: dict[str, Any], queue: str) -> list[str]:
        return [f"tenant:{record['args'][0]}", f"both:{name}-{queue}"]

    app = make_pro(edition={"statsd": ledger, "statsd_tags": tags}, pro={"costs": False, "statsd_tags": ["env:test"]})
    app.job(name="report")(lambda tenant: None)
    app.jobs["report"].enqueue("acme")
    Bench(app, raw, start_worker).run()
    expected = ["env:test", "worker:report", "queue:default", "tenant:acme", "both:report-default"]
    assert ledger.tags("count") == ledger.tags("success") == expected


def test_neither_a_client_nor_tags_that_fail_fail_a_job(
    make_pro: Callable[..., App], raw: Any, start_worker: Callable[..., Worker], caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Ledger):
        def increment(self, metric: str, value: float = 1, tags: list[str] | None = None) -> None:
            raise OSError("no route to host")

        timing = distribution = increment

    app = make_pro(edition={"statsd": Broken(), "statsd_tags": lambda *_: 1 / 0}, pro={"costs": False})
    ran: list[int] = []
    app.job(name="report")(lambda number: ran.append(number))
    app.jobs["report"].enqueue_many([(number,) for number in range(20)])
    bench = Bench(app, raw, start_worker)
    bench.run()
    assert sorted(ran) == list(range(20))
    assert bench.places() == {}
    assert len([one for one in caplog.records if "metrics are lost" in one.getMessage()]) == 1


def test_without_an_address_and_a_client_nothing_stands_around_a_job(pro: App, bench: Bench) -> None:
    links = bench.start().server_middleware.compile()
    assert not [link for link in links if isinstance(link, JobMetrics)]


def test_the_setting_sends_to_a_real_socket(
    make_pro: Callable[..., App], raw: Any, start_worker: Callable[..., Worker]
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(10)
        app = make_pro(pro={"costs": False, "statsd": f"127.0.0.1:{ear.getsockname()[1]}"})
        app.job(name="report")(lambda: None)
        app.jobs["report"].enqueue()
        Bench(app, raw, start_worker).run().stop()
        heard: set[str] = set()
        while len(heard - {"sidekiq.spool.jobs"}) < 4:
            heard |= {line.partition(":")[0] for line in ear.recv(65_536).decode().splitlines()}
    heard.discard("sidekiq.spool.jobs")  # it comes with a heartbeat
    names = ("jobs.count", "jobs.success", "jobs.perform", "jobs.perform_dist")
    assert heard == {f"sidekiq.{name}" for name in names}


def test_a_job_that_was_cancelled_is_neither_a_success_nor_a_failure(
    metered: App, metered_bench: Bench, ledger: Ledger
) -> None:
    begun = threading.Event()

    @metered.job(name="long")
    def long(ctx: Context) -> None:
        begun.set()
        while True:
            ctx.check()

    jid = long.enqueue()
    worker = metered_bench.start()
    assert begun.wait(10)
    metered.cancel(str(jid))
    until(metered_bench.is_settled, what="it has ended")
    worker.stop()
    assert ledger.counts() == {"count": 1}
