"""The threads of the whole cluster against the licence's number: warned of, never refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import redis

from offsider import App
from offsider.worker.worker import Worker
from offsider_enterprise import EnterpriseEdition
from offsider_enterprise.census import ThreadCensus
from offsider_pro import ProEdition
from support.signer import NOW_S, Signer
from support.waiting import until

SIGNER = Signer()
Licensed = Callable[[int | None], App]


@pytest.fixture
def licensed(make_app: Callable[..., App], monkeypatch: pytest.MonkeyPatch) -> Licensed:
    """Apps with a licence for so many threads."""
    monkeypatch.setattr("offsider_licensing.public_keys.KEYS", SIGNER.keys)
    for module in ("offsider_licensing.gate", "offsider_pro.license"):
        monkeypatch.setattr(f"{module}.time", SimpleNamespace(time=lambda: float(NOW_S)))

    def make(threads: int | None) -> App:
        token = SIGNER.token(limits={"threads": threads})
        return make_app(editions=[ProEdition(token), EnterpriseEdition(token)])

    return make


def census(worker: Worker) -> ThreadCensus:
    """The worker's."""
    return next(one for _name, one in worker.services.items() if isinstance(one, ThreadCensus))


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was said of too many threads."""
    return [one.getMessage() for one in caplog.records if "worker threads run" in one.getMessage()]


def test_too_many_threads_over_all_processes_are_warned_of_once_and_work_on(
    licensed: Licensed, start_worker: Callable[..., Worker], raw: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    first = start_worker(licensed(15), concurrency=10)
    until(lambda: census(first).threads == 10 and raw.hexists(f"{{offsider}}:{first.identity}", "concurrency"))
    assert warnings(caplog) == []
    app = licensed(15)
    ran = threading.Event()
    job = app.job(name="work")(ran.set)
    second = start_worker(app, concurrency=10)
    until(lambda: census(second).threads == 20)
    until(lambda: len(warnings(caplog)) == 1)
    assert warnings(caplog)[0].startswith("20 worker threads run, and the licence is for 15. Nothing is stopped")
    census(second).tick()
    assert len(warnings(caplog)) == 1
    job.enqueue()
    assert ran.wait(10)


def test_as_many_as_were_bought_are_fine(
    licensed: Licensed, start_worker: Callable[..., Worker], caplog: pytest.LogCaptureFixture
) -> None:
    worker = start_worker(licensed(10), concurrency=10)
    until(lambda: census(worker).threads == 10)
    assert census(worker).tick() <= 300
    assert warnings(caplog) == []


def test_the_warning_comes_again_after_a_day(
    licensed: Licensed, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker(licensed(1), concurrency=10)
    now_s = 1_000.0
    monkeypatch.setattr("offsider_enterprise.census.clock.monotonic_s", lambda: now_s)
    census(worker).tick()
    now_s += 86_399
    census(worker).tick()
    assert len(warnings(caplog)) == 1
    now_s += 2
    census(worker).tick()
    assert len(warnings(caplog)) == 2


def test_without_a_limit_nothing_is_counted(licensed: Licensed) -> None:
    worker = Worker(licensed(None))
    assert not [one for _name, one in worker.services.items() if isinstance(one, ThreadCensus)]
    assert "license_threads" not in dict(worker.heartbeat_fields.items())
