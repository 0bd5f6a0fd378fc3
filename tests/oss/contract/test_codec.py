"""The slot ``codec``: what is sealed is sealed behind all middleware and opened before all of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App, Context, Snooze
from offsider.api.entry import read
from offsider.contract.codec import Codec
from offsider.contract.middleware import ClientMiddleware, ServerMiddleware
from offsider.errors import JobHeld, SlotTaken
from offsider.job.sealing import MASK
from offsider.testing import assert_enqueued, fake, inline
from offsider.worker.worker import Worker
from support.backwards import Backwards, Turning
from support.bench import Bench, payload
from support.everything import everything
from support.waiting import until

SECRET = "4111-1111"


@pytest.fixture
def turning() -> Turning:
    return Turning()


@pytest.fixture
def app(make_app: Callable[..., App], turning: Turning) -> App:
    return make_app(editions=[turning])


@pytest.fixture
def bench(app: App, raw: Any, start_worker: Callable[..., Worker]) -> Bench:
    return Bench(app, raw, start_worker)


def waiting(app: App, raw: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(raw.lindex(app.keys.queue("default"), 0))
    return found


# -- there and back ----------------------------------------------------------------------------------------------


def test_a_job_is_sealed_in_redis_and_gets_its_arguments(app: App, bench: Bench, raw: Any) -> None:
    got = []

    @app.job(backwards=True)
    def pay(card: str, amount: float) -> None:
        got.append((card, amount))

    pay.enqueue(SECRET, 7.5)
    record = waiting(app, raw)
    assert record["sealed"] == {"args": True}
    assert "backwards" not in record
    assert SECRET.encode() not in everything(raw)
    bench.run()
    assert got == [(SECRET, 7.5)]
    assert not bench.places()


def test_an_async_job_and_one_with_a_context_get_theirs(app: App, bench: Bench) -> None:
    got = []

    @app.job(backwards=True)
    async def pay(card: str, ctx: Context) -> None:
        got.append((card, ctx.jid))

    jid = pay.enqueue(SECRET)
    bench.run()
    assert got == [(SECRET, jid)]


def test_it_is_sealed_behind_all_client_middleware_and_opened_before_all_of_the_server(app: App, bench: Bench) -> None:
    seen = []

    class Client(ClientMiddleware):
        def push(self, request: Any, next: Any) -> Any:
            seen.append(request.record["args"])
            return next(request)

    class Server(ServerMiddleware):
        only = "sync"

        def call(self, execution: Any, next: Any) -> Any:
            seen.extend([execution.args, execution.record["args"]])
            return next(execution)

    app.client_middleware.add("seen", Client())
    app.server_middleware.add("seen", Server())

    @app.job(backwards=True)
    def pay(card: str) -> None: ...

    pay.enqueue(SECRET)
    bench.run()
    plain, opened, sealed = seen
    assert plain == [SECRET]
    assert opened == [SECRET]
    assert SECRET not in str(sealed)


def test_what_is_done_again_is_sealed_once(app: App, bench: Bench, raw: Any) -> None:
    got = []

    @app.job(backwards=True, retry=3)
    def pay(card: str) -> Any:
        got.append(card)
        if len(got) == 1:
            return Snooze(0)
        if len(got) == 2:
            raise ValueError(card)
        return None

    pay.enqueue(SECRET)
    bench.run()
    until(lambda: bench.places() == {"retry": 1}, 15, "it has failed")
    (before,) = bench.members("retry")
    app.retries.run_all_now()
    until(lambda: len(got) == 3 and bench.is_settled() and not bench.places(), 15, "it has run again")
    assert got == [SECRET] * 3
    assert SECRET.encode() not in before


def test_jobs_without_it_are_not_touched(app: App, bench: Bench, turning: Turning) -> None:
    got = []

    @app.job
    def greet(name: str) -> None:
        got.append(name)

    turning.codec.has_key = False
    greet.enqueue("Ada")
    bench.run()
    assert got == ["Ada"]
    assert not greet.secret


def test_a_call_may_be_sealed_of_a_job_that_is_not(app: App, bench: Bench, raw: Any) -> None:
    got = []

    @app.job
    def greet(name: str) -> None:
        got.append(name)

    greet.using(backwards=True).enqueue(SECRET)
    assert SECRET.encode() not in everything(raw)
    bench.run()
    assert got == [SECRET]


def test_every_way_of_enqueuing_seals(app: App, raw: Any) -> None:
    @app.job(backwards=True)
    def pay(card: str) -> None: ...

    async def enqueue() -> None:
        await pay.aenqueue(SECRET)
        await pay.aenqueue_many([(SECRET,)])
        await app.leave_loop()

    pay.enqueue_many([(SECRET,)] * 2)
    pay.using(delay=60).enqueue(SECRET)
    asyncio.run(enqueue())
    assert raw.llen(app.keys.queue("default")) == 4
    assert raw.zcard(app.keys.schedule) == 1
    assert SECRET.encode() not in everything(raw)


# -- not here ----------------------------------------------------------------------------------------------------


def test_a_job_that_cannot_be_opened_is_held_and_runs_when_it_can(app: App, bench: Bench, turning: Turning) -> None:
    got = []

    @app.job(backwards=True)
    def pay(card: str) -> None:
        got.append(card)

    turning.codec.has_key = False
    pay.enqueue(SECRET)
    bench.run()
    until(lambda: bench.places() == {"schedule": 1}, 15, "it is held")
    note = bench.record("schedule")["put_back"]
    assert note["held"] is True
    assert note["reason"] == "the key is not here"
    assert 20 < bench.due_in_s("schedule") <= 31
    turning.codec.has_key = True
    app.scheduled.run_all_now()
    until(lambda: got == [SECRET], 15, "it has run")


def test_what_was_changed_goes_to_quarantine_with_its_bytes(app: App, bench: Bench) -> None:
    @app.job(name="pay", backwards=True)
    def pay(card: str) -> None:
        raise AssertionError("it must not run")

    forged = payload("pay", "plain", sealed={"args": True})
    bench.run(forged)
    assert bench.places() == {"quarantine": 1}
    assert forged in bench.members("quarantine")[0]


def test_a_plain_payload_of_a_sealed_job_is_the_codecs_to_judge(app: App, bench: Bench) -> None:
    @app.job(name="pay", backwards=True)
    def pay(card: str) -> None:
        raise AssertionError("it must not run")

    bench.run(payload("pay", "plain"))
    assert bench.record("schedule")["put_back"]["reason"] == "the arguments of pay are plain"


def test_without_a_codec_a_sealed_job_is_held(make_app: Any, raw: Any, start_worker: Any) -> None:
    app = make_app(editions=[])

    @app.job(name="pay")
    def pay(card: str) -> None:
        raise AssertionError("it must not run")

    bench = Bench(app, raw, start_worker)
    bench.run(payload("pay", "backwards:…", sealed={"args": True}))
    assert "nothing is installed here that opens" in bench.record("schedule")["put_back"]["reason"]


def test_sealed_must_be_an_object(app: App, bench: Bench) -> None:
    @app.job(name="pay", backwards=True)
    def pay(card: str) -> None: ...

    bench.run(payload("pay", "plain", sealed="yes"))
    assert b"'sealed' is 'yes'" in bench.members("quarantine")[0]


def test_the_slot_has_one_filler() -> None:
    class Other(Turning):
        name = "other"

        def install(self, app: App) -> None:
            app.codec.fill(Codec(), by=self.name)

    with pytest.raises(SlotTaken, match="other and by turning"):
        App(editions=[Turning(), Other()])


# -- without redis ---------------------------------------------------------------------------------------------------


def test_inline_runs_go_the_same_way(app: App, turning: Turning) -> None:
    @app.job(backwards=True)
    def pay(card: str) -> str:
        return card

    assert pay.inline(SECRET) == SECRET
    turning.codec.has_key = False
    with pytest.raises(JobHeld, match="the key is not here"):
        pay.inline(SECRET)


def test_the_test_modes_go_the_same_way(app: App) -> None:
    got = []

    @app.job(backwards=True)
    def pay(card: str) -> None:
        got.append(card)

    with fake(app) as jobs:
        pay.enqueue(SECRET)
        assert_enqueued(pay, SECRET)
        assert SECRET.encode() not in jobs.jobs[0].payload
        jobs.drain()
    with inline(app):
        pay.enqueue(SECRET)
    assert got == [SECRET] * 2


def test_what_is_opened_may_be_asked_for(app: App) -> None:
    @app.job(backwards=True)
    def pay(card: str) -> None: ...

    with fake(app) as jobs:
        pay.enqueue(SECRET)
        record = jobs.jobs[0].record
    assert pay.restored(record) == ([SECRET], {})


def test_the_default_seals_nothing() -> None:
    codec = Codec()
    record: dict[str, Any] = {"error_message": "no", "class": "pay"}
    codec.seal_fields(record, ["error_message"], jid="j1", of="job")
    assert record == {"class": "pay"}
    assert isinstance(Turning().codec, Backwards)
    assert read(payload("pay", 1, sealed={"args": [0]})).args == [MASK]  # type: ignore[union-attr]
