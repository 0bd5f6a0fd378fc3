"""What cannot run here is put back for a worker that knows it, then kept apart with its bytes; garbage at once."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from offsider.contract.edition import Edition
from offsider.contract.middleware import NextAsync, NextSync, ServerMiddleware
from offsider.contract.work import Hold, Settlement, UnitOfWork
from offsider.job.record import dumps, loads
from offsider.worker.putback import hold, interrupted, put_back, put_off, quarantine
from support.bench import Bench, payload
from support.waiting import until

JOB = {"queue": "mail", "class": "gone", "args": [1], "jid": "j1", "retry": True, "created_at": 1, "enqueued_at": 2}


def unit_of(record: dict[str, Any], queue: str = "mail") -> UnitOfWork:
    return UnitOfWork(f"1:{queue}", queue, dumps(record))


def again(settlement: Settlement) -> UnitOfWork:
    """The unit as it comes back from the schedule."""
    assert settlement.payload is not None
    return UnitOfWork("2:mail", "mail", settlement.payload)


def settle(unit: UnitOfWork, window_s: float = 3600) -> Settlement:
    return put_back(unit, loads(unit.payload), "nobody knows it", window_s)


def note_of(settlement: Settlement) -> dict[str, Any]:
    assert settlement.payload is not None
    note: dict[str, Any] = json.loads(settlement.payload)["put_back"]
    return note


def test_a_job_is_put_back_with_the_reason_and_uses_no_attempt() -> None:
    before_ms = int(time.time() * 1000)
    settlement = settle(unit_of(JOB))
    assert (settlement.kind, settlement.delay_s) == ("schedule", 1.0)
    record = loads(settlement.payload or b"")
    note = record.pop("put_back")
    assert before_ms <= note.pop("since") <= time.time() * 1000
    assert note == {"count": 1, "reason": "nobody knows it"}
    assert record == {name: value for name, value in JOB.items() if name != "enqueued_at"}


def test_it_goes_back_to_the_queue_it_was_taken_from() -> None:
    settlement = settle(unit_of(JOB, queue="low"))
    assert loads(settlement.payload or b"")["queue"] == "low"


def test_the_delay_doubles_up_to_a_minute_and_the_first_time_is_kept() -> None:
    settlement = settle(unit_of(JOB))
    since, delays = note_of(settlement)["since"], [settlement.delay_s]
    for _ in range(8):
        settlement = settle(again(settlement))
        delays.append(settlement.delay_s)
    assert delays == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert note_of(settlement)["since"] == since
    assert note_of(settlement)["count"] == 9


def test_when_the_window_is_over_its_bytes_are_kept_apart(caplog: pytest.LogCaptureFixture) -> None:
    unit = unit_of(JOB | {"put_back": {"since": int(time.time() * 1000) - 5000, "count": 3, "reason": "x"}})
    settlement = settle(unit, window_s=4)
    assert settlement.kind == "quarantine"
    header, _newline, raw = (settlement.payload or b"").partition(b"\n")
    assert raw == unit.payload
    assert json.loads(header)["reason"] == "nobody knows it"
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_without_a_window_it_is_kept_apart_at_once() -> None:
    assert settle(unit_of(JOB), window_s=0).kind == "quarantine"


@pytest.mark.parametrize(
    "note",
    [
        {"since": "yesterday", "count": 1},
        {"since": 1, "count": None},
        {"since": 1, "count": -5},
        {"since": -1, "count": 1},
        {"since": 10**18, "count": 1},
        {"since": True, "count": 1},
        {"since": 1.5, "count": 10**9},
        {},
    ],
)
def test_what_a_payload_says_of_earlier_times_is_not_trusted(note: dict[str, Any]) -> None:
    settlement = settle(unit_of(JOB | {"put_back": note}))
    assert (settlement.kind, settlement.delay_s, note_of(settlement)["count"]) == ("schedule", 1.0, 1)


def test_a_count_beyond_all_bounds_is_no_trap() -> None:
    note = {"since": int(time.time() * 1000) - 1, "count": 10**12}
    assert settle(unit_of(JOB | {"put_back": note})).delay_s == 60.0


def test_the_reason_is_bounded() -> None:
    settlement = put_back(unit_of(JOB), dict(JOB), "x" * 10_000, 3600)
    assert len(note_of(settlement)["reason"]) == 1000


def test_quarantine_keeps_queue_reason_time_and_the_exact_bytes() -> None:
    raw = b"\x00\xff\n not JSON \r\n\n"
    before_ms = int(time.time() * 1000)
    settlement = quarantine(UnitOfWork("1:mail", "mail", raw), "not JSON: \n at all")
    header, _newline, kept = (settlement.payload or b"").partition(b"\n")
    entry = json.loads(header)
    assert before_ms <= entry.pop("at") <= time.time() * 1000
    assert entry == {"queue": "mail", "reason": "not JSON: \n at all"}
    assert (settlement.kind, settlement.delay_s, kept) == ("quarantine", 0.0, raw)


# -- held ------------------------------------------------------------------------------------------------------------


def test_a_job_is_held_for_its_time_with_the_reason_and_its_place() -> None:
    settlement = hold(unit_of(JOB, queue="low"), dict(JOB), "the shop is \ud800 closed", 600.0)
    assert (settlement.kind, settlement.delay_s) == ("schedule", 600.0)
    note = note_of(settlement)
    assert note.pop("since") <= time.time() * 1000
    assert note == {"count": 1, "reason": "the shop is ? closed", "held": True}
    assert loads(settlement.payload or b"")["queue"] == "low"


def test_without_a_time_of_its_own_a_hold_doubles_as_putting_back_does() -> None:
    settlement = hold(unit_of(JOB), dict(JOB), "it needs more")
    delays = [settlement.delay_s]
    for _ in range(7):
        unit = again(settlement)
        settlement = hold(unit, loads(unit.payload), "it needs more")
        delays.append(settlement.delay_s)
    assert delays == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert note_of(settlement)["count"] == 8


def test_the_time_for_which_it_was_held_is_none_in_which_nobody_knew_it() -> None:
    since = int(time.time() * 1000) - 10 * 86_400_000
    held = JOB | {"put_back": {"since": since, "count": 9, "reason": "closed", "held": True}}
    settlement = settle(unit_of(held), window_s=3600)
    assert (settlement.kind, note_of(settlement)["count"]) == ("schedule", 1)
    assert "held" not in note_of(settlement)
    assert note_of(hold(unit_of(held), dict(held), "closed", 1.0))["since"] == since
    unknown = JOB | {"put_back": {"since": since, "count": 9, "reason": "unknown"}}
    assert note_of(hold(unit_of(unknown), dict(unknown), "closed", 1.0))["count"] == 1


# -- on a worker ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["x"], "job 'job': number is 'x' (str); expected int"),
        ([], "lacks number"),
        ([1, 2, 3], "has 3 positional arguments"),
    ],
)
def test_arguments_that_do_not_fit_are_put_back_with_the_reason(bench: Bench, args: list[Any], reason: str) -> None:
    ran: list[int] = []

    @bench.app.job(name="job")
    def job(number: int, other: int = 0) -> None:
        ran.append(number)

    bench.run(payload("job", *args))
    assert bench.places() == {"schedule": 1}
    note = bench.record("schedule")["put_back"]
    assert reason in note["reason"]
    assert (note["count"], ran) == (1, [])
    assert bench.due_in_s("schedule") <= 1


def test_a_job_that_nobody_knows_waits_for_a_newer_worker_then_it_is_kept_apart(
    make_app: Callable[..., App], raw: Any, start_worker: Any, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(make_app(worker={"unknown_job_window_s": 0.5}), raw, start_worker)
    sent = payload("shop.of_tomorrow", 1, custom="field")
    bench.run(sent)
    record = bench.record("schedule")
    assert record.pop("put_back")["reason"] == "no job is registered here under the name 'shop.of_tomorrow'"
    assert record == json.loads(sent)
    until(lambda: bench.places() == {"quarantine": 1}, 10)
    header, _newline, kept = bench.members("quarantine")[0].partition(b"\n")
    assert json.loads(header)["reason"].startswith("no job is registered here")
    assert json.loads(kept)["args"] == [1]


def test_a_job_that_was_put_back_runs_on_the_worker_that_knows_it_with_its_attempts(
    make_app: Callable[..., App], raw: Any, start_worker: Any
) -> None:
    old, new = make_app(), make_app()
    ran: list[int] = []
    Bench(old, raw, start_worker).run(payload("later", 7)).stop(1)

    @new.job(name="later")
    def later(number: int) -> None:
        ran.append(number)

    start_worker(new)
    until(lambda: ran == [7], 10)


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"not JSON",
        b"[]",
        b"null",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"class":"job","args":[],"jid":"j","queue":"default","retry":true} trailing',
        b'{"class":"job","args":[NaN],"jid":"j","queue":"default","retry":true}',
        b'{"class":"job","args":["\\ud800"],"jid":"j","queue":"default","retry":true}',
        b'{"class":"job","args":[' + b"1" * 5000 + b'],"jid":"j","queue":"default","retry":true}',
        b'{"class":5,"args":[],"jid":"j"}',
        b'{"class":"job","args":{},"jid":"j"}',
        b'{"class":"job","args":[],"jid":"j","queue":"default","retry":true,"retry_count":"many"}',
        b'{"class":"job","args":[],"jid":"j","queue":"bad name","retry":true}',
    ],
    ids=lambda one: repr(one[:40]) + str(len(one)),
)
def test_garbage_is_kept_apart_with_its_bytes_and_the_next_job_runs_at_once(bench: Bench, garbage: bytes) -> None:
    ran = threading.Event()

    @bench.app.job(name="next")
    def following() -> None:
        ran.set()

    bench.raw.lpush(bench.key("queue:default"), garbage, payload("next"))
    before_s = time.monotonic()
    bench.run()
    assert ran.is_set()
    assert time.monotonic() - before_s < 2
    assert bench.places() == {"quarantine": 1}
    header, _newline, kept = bench.members("quarantine")[0].partition(b"\n")
    assert kept == garbage
    entry = json.loads(header)
    assert (set(entry), entry["queue"]) == ({"queue", "reason", "at"}, "default")
    assert entry["reason"]


def test_the_worker_logs_what_it_keeps_apart(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.run(b"not JSON")
    (record,) = (one for one in caplog.records if one.levelno == logging.ERROR)
    assert record.getMessage().startswith("a job in queue default was put into quarantine: not JSON")


def test_a_moment_without_memory_puts_a_job_off_as_it_is() -> None:
    unit = UnitOfWork("7:mail", "mail", b'{"class":"welcome"}')
    settlement = put_off(unit)
    assert (settlement.kind, settlement.delay_s, settlement.payload) == ("schedule", 2.0, unit.payload)


class Gate(ServerMiddleware):
    """Holds every job until it is open."""

    def __init__(self, delay_s: float) -> None:
        self.open = False
        self._delay_s = delay_s

    def call(self, execution: Any, next: NextSync) -> Any:
        self._look()
        return next(execution)

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        self._look()
        return await next(execution)

    def _look(self) -> None:
        if not self.open:
            raise Hold("the gate is shut", delay_s=self._delay_s)


def numbered(app: App, kind: str, ran: list[int]) -> Any:
    """A job of one kind that notes its number."""

    def work(number: int) -> None:
        ran.append(number)

    async def awork(number: int) -> None:
        ran.append(number)

    return app.job(name="work", retry=0, timeout=30)(work if kind == "def" else awork)


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_held_job_waits_uses_no_attempt_and_is_no_failure(bench: Bench, kind: str) -> None:
    gate, ran, events = Gate(600), list[int](), list[str]()
    bench.app.server_middleware.add("gate", gate)
    for event in ("error", "death"):
        bench.app.on(event)(lambda *_given, event=event: events.append(event))
    job = numbered(bench.app, kind, ran)
    jid = job.enqueue(1)
    bench.run().stop()
    record = bench.record("schedule")
    assert (record["jid"], record["put_back"]["reason"]) == (jid, "the gate is shut")
    assert not {"retry_count", "failed_at", "enqueued_at"} & set(record)
    assert 590 < bench.due_in_s("schedule") <= 600
    assert (ran, events) == ([], [])
    assert bench.raw.get(bench.key("stat:processed")) is bench.raw.get(bench.key("stat:failed")) is None


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_held_jobs_run_when_they_may_in_their_order_and_forget_that_they_waited(
    bench: Bench, kind: str, raw: Any
) -> None:
    gate, ran = Gate(0.3), list[int]()
    bench.app.server_middleware.add("gate", gate)
    job = numbered(bench.app, kind, ran)
    job.enqueue_many([(number,) for number in range(50)])
    bench.start(concurrency=1)
    until(lambda: raw.zcard(bench.key("schedule")) == 50, 10)
    gate.open = True
    until(lambda: len(ran) == 50, 10)
    assert ran == list(range(50))


def test_a_job_that_fails_after_it_was_held_is_no_longer_put_back(bench: Bench) -> None:
    @bench.app.job(name="fails")
    def fails() -> None:
        raise ValueError("no")

    bench.run(payload("fails", put_back={"since": 1, "count": 3, "reason": "closed", "held": True}))
    assert "put_back" not in bench.record("retry")


def test_a_job_is_held_until_a_worker_has_the_edition_it_needs(
    make_app: Callable[..., App], raw: Any, start_worker: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Acme(Edition):
        """The one."""

        name = "acme"

    without, within = make_app(worker={"unknown_job_window_s": 0.0}), make_app(editions=[Acme()])
    ran = list[int]()
    numbered(without, "def", ran)
    bench = Bench(without, raw, start_worker)
    bench.run(payload("work", 7, needs=["acme"]), payload("unknown", needs=["acme"]))
    until(lambda: bench.places() == {"schedule": 2}, 10)
    assert ran == []
    reasons = {json.loads(one)["put_back"]["reason"] for one in bench.members("schedule")}
    assert {reason[:75] for reason in reasons} == {
        "it needs the edition 'acme', which is not installed in this worker (install"
    }
    assert "is held for 1 s: it needs the edition 'acme'" in caplog.text
    bench.start().stop(1)
    numbered(within, "def", ran)
    start_worker(within)
    until(lambda: ran == [7], 10)


def test_needs_of_another_kind_are_no_job(bench: Bench) -> None:
    bench.run(payload("work", needs="acme"))
    assert bench.places() == {"quarantine": 1}


def test_an_interrupted_job_goes_back_as_it_is_or_to_the_end_of_its_queue() -> None:
    unit = unit_of({**JOB, "put_back": {"since": 1}, "queue": "other"})
    assert interrupted(unit, None) == Settlement(unit, "back", 0.0, None)
    settlement = interrupted(unit, loads(unit.payload))
    assert (settlement.kind, settlement.delay_s) == ("schedule", 0.0)
    expected = {name: value for name, value in JOB.items() if name != "enqueued_at"}
    assert loads(settlement.payload or b"") == expected, "where it was taken from, and no marks of that"
