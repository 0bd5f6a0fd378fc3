"""Results: kept for as long as the job says, waited for without asking again and again, as their annotation says."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from offsider import App, Cancel, Retry
from offsider.errors import InvalidOption, RedisRefused, ResultError
from offsider.worker.worker import Worker
from support.waiting import until

Start = Callable[..., Worker]


@dataclass
class Bill:
    number: UUID
    due: date


def test_what_a_job_returns_comes_back_as_it_was(both: App, start_worker: Start, raw: Any) -> None:
    @both.job(name="bill", result_ttl=60)
    def bill(number: UUID) -> Bill:
        return Bill(number, date(2027, 1, 31))

    @both.job(name="abill", result_ttl=60)
    async def abill(number: UUID) -> list[Bill] | None:
        return [Bill(number, date(2027, 1, 31))]

    number = uuid4()
    jids = [str(bill.enqueue(number)), str(abill.enqueue(number))]
    start_worker(both)
    found = [both.result(jid, timeout=10) for jid in jids]
    assert [one.state for one in found] == ["done", "done"]
    assert found[0].get() == Bill(number, date(2027, 1, 31))
    assert found[1].value == [found[0].value]
    assert (found[0].name, found[0].error, found[0].is_final) == ("bill", "", True)
    assert abs((found[0].at_s or 0) - time.time()) < 10
    assert 0 < raw.ttl(both.keys.result(jids[0])) <= 60
    assert both.result(jids[0]).value == found[0].value, "it is not taken out"
    assert found[0].to_dict()["state"] == "done"


@pytest.mark.parametrize("value", [None, 7, "é", [1, {"a": None}], 1.5, True])
def test_plain_values_come_back_without_an_annotation_and_to_who_does_not_know_the_job(
    app: App, make_app: Callable[..., App], start_worker: Start, value: Any
) -> None:
    @app.job(name="job", result_ttl=60)
    def job():  # type: ignore[no-untyped-def]
        return value

    start_worker(app)
    jid = str(job.enqueue())
    found = make_app().result(jid, timeout=10)
    assert (found.state, found.value) == ("done", value)
    assert type(found.value) is type(value)


def test_without_the_option_nothing_is_kept(app: App, start_worker: Start, raw: Any) -> None:
    @app.job(name="job")
    def job() -> int:
        return 7

    start_worker(app)
    jid = str(job.enqueue())
    until(lambda: app.job_info(jid) is None)
    found = app.result(jid)
    assert (found.state, found.value) == ("gone", None)
    assert raw.keys("*result*") == []
    with pytest.raises(ResultError, match="has no result, it is gone"):
        found.get()


def test_the_option_may_be_given_to_a_call_and_bounds_are_checked(app: App) -> None:
    @app.job(name="job", result_ttl=60)
    def job() -> int:
        return 7

    job.using(result_ttl=5).enqueue()
    job.using(result_ttl=None).enqueue()
    assert [entry.record.get("result_ttl") for entry in app.queues["default"].jobs()] == [5.0, None]
    for wrong in (0, 0.5, -1, "60", True):
        with pytest.raises(InvalidOption, match="result_ttl is"):
            job.using(result_ttl=wrong)  # type: ignore[arg-type]


def test_every_state_is_told_before_its_end(app: App, start_worker: Start) -> None:
    began, gate = threading.Event(), threading.Event()

    @app.job(name="job", result_ttl=60)
    def job() -> int:
        began.set()
        gate.wait(10)
        return 7

    jid, later = str(job.enqueue()), str(job.using(delay=100).enqueue())
    assert [app.result(one).state for one in (jid, later, "other")] == ["waiting", "waiting", "gone"]
    start_worker(app)
    assert began.wait(10)
    found = app.result(jid, timeout=0.05)
    assert (found.state, found.is_final, found.name) == ("running", False, "job")
    gate.set()
    assert app.result(jid, timeout=10).get() == 7


@pytest.mark.parametrize("kind", ["dead", "discarded"])
def test_a_failure_is_told_when_it_is_the_last(app: App, start_worker: Start, kind: str) -> None:
    attempts = []

    @app.job(name="job", result_ttl=60, retry=Retry(max=1, delay=0.01), dead=kind == "dead")
    def job() -> int:
        attempts.append(1)
        raise ValueError(f"no. {len(attempts)}")

    start_worker(app)
    found = app.result(str(job.enqueue()), timeout=15)
    assert (found.state, found.error) == ("failed", "ValueError: no. 2")
    with pytest.raises(ResultError, match=r"it is failed: ValueError: no\. 2"):
        found.get()


def test_a_job_that_is_dead_without_a_result_has_failed(app: App, put: Callable[..., bytes]) -> None:
    put(app.keys.dead, "j1", 5.0, error_class="offsider.ProcessLost", error_message="gone")
    found = app.result("j1")
    assert (found.state, found.error, found.at_s) == ("failed", "offsider.ProcessLost: gone", 5.0)


def test_a_cancelled_job_is_told(app: App, start_worker: Start) -> None:
    began = threading.Event()

    @app.job(name="asked", result_ttl=60)
    async def asked() -> int:
        began.set()
        await asyncio.sleep(30)
        return 7

    @app.job(name="own", result_ttl=60)
    def own() -> int | Cancel:
        return Cancel("enough")

    start_worker(app)
    jid, other = str(asked.enqueue()), str(own.enqueue())
    assert began.wait(10)
    app.cancel(jid)
    assert [app.result(one, timeout=10).state for one in (jid, other)] == ["cancelled", "cancelled"]


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), "x" * 1_100_000, object()], ids=str.__name__.format)
def test_what_cannot_be_kept_is_said_and_the_job_is_done(app: App, start_worker: Start, raw: Any, value: Any) -> None:
    @app.job(name="job", result_ttl=60)
    def job():  # type: ignore[no-untyped-def]
        return value

    start_worker(app)
    found = app.result(str(job.enqueue()), timeout=10)
    assert found.state == "done"
    assert found.error
    assert (raw.zcard(app.keys.retry), raw.zcard(app.keys.quarantine)) == (0, 0)
    with pytest.raises(ResultError):
        found.get()


def test_many_wait_for_one_and_all_are_woken(app: App, start_worker: Start) -> None:
    gate = threading.Event()

    @app.job(name="job", result_ttl=60)
    def job() -> int:
        gate.wait(10)
        return 7

    start_worker(app)
    jid = str(job.enqueue())
    found: list[Any] = []
    waiters = [threading.Thread(target=lambda: found.append(app.result(jid, timeout=10).value)) for _ in range(6)]
    for thread in waiters:
        thread.start()
    gate.set()
    for thread in waiters:
        thread.join(15)
    assert found == [7] * 6


def test_waiting_costs_redis_nearly_nothing_and_ends_in_time(app: App, raw: Any) -> None:
    app.result("j1")
    raw.config_resetstat()
    began_s = time.monotonic()
    assert app.result("j1", timeout=0.5).state == "gone"
    assert 0.4 < time.monotonic() - began_s < 5
    assert raw.info("commandstats")["cmdstat_blmove"]["calls"] == 1
    for wrong in (-1, 1e9, "5", float("nan"), True):
        with pytest.raises(InvalidOption, match="timeout is"):
            app.result("j1", timeout=wrong)  # type: ignore[arg-type]


def test_on_an_event_loop(app: App, start_worker: Start) -> None:
    @app.job(name="job", result_ttl=60)
    async def job() -> int:
        return 7

    async def ask() -> tuple[Any, str]:
        jid = str(await job.aenqueue())
        try:
            return (await app.aresult(jid, timeout=10)).get(), (await app.aresult("j1")).state
        finally:
            await app.leave_loop()

    start_worker(app)
    assert asyncio.run(ask()) == (7, "gone")


@pytest.mark.parametrize("garbage", [b"", b"\xff", b"[]", b"{}", b'{"state":"odd","class":"a","at":1}', b"[" * 9000])
def test_whatever_lies_there_does_no_harm(app: App, raw: Any, garbage: bytes) -> None:
    raw.rpush(app.keys.result("j1"), garbage)
    raw.config_resetstat()
    for found in (app.result("j1"), app.result("j1", timeout=60), asyncio.run(app.aresult("j1", timeout=60))):
        assert (found.state, found.error[:48]) == ("gone", "what is kept under its id is no result: another ")
    assert raw.info("commandstats")["cmdstat_lrange"]["calls"] == 3, "it is not asked for again and again"
    raw.set(app.keys.result("j2"), "mine")
    assert app.result("j2").state == "gone"
    with pytest.raises(RedisRefused, match="another type"):
        app.result("j2", timeout=1)


def test_a_payload_with_an_odd_lifetime_is_no_job(app: App, raw: Any, start_worker: Start) -> None:
    @app.job(name="job")
    def job() -> int:
        return 7

    entries = [f'{{"class":"job","args":[],"jid":"j{k}","queue":"default","result_ttl":{odd}}}'
               for k, odd in enumerate(('"60"', "-1", "[]", "1e300"))]  # fmt: skip
    raw.lpush(app.keys.queue("default"), *entries)
    start_worker(app)
    until(lambda: raw.zcard(app.keys.quarantine) == 4)
    assert raw.keys("*result*") == []
