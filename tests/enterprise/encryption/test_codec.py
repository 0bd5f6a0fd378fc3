"""What jobs carry is encrypted in Redis and plain in their bodies; what was moved or changed runs nowhere."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from offsider import App, Context
from offsider.errors import InvalidOption, InvalidSetting, JobHeld
from offsider.integrations.outbox import from_rows, row
from offsider.job.sealing import MASK
from offsider.testing import inline
from offsider.testing.proxy import Proxy
from offsider.worker.worker import Worker
from offsider_enterprise import EnterpriseEdition
from offsider_enterprise.encryption.install import codec_of
from offsider_pro import ProEdition
from offsider_pro.pause import Pauses
from support.bench import Bench
from support.everything import everything
from support.keys import text_of
from support.waiting import until

CARD = "4111-1111-1111-1111"
CVV = "cvv-of-three-digits"
Make = Callable[..., App]


@dataclass
class Card:
    """What a job is given."""

    number: str
    limit: Decimal


def taken(app: App, raw: Any) -> dict[str, Any]:
    """The next job, out of its queue."""
    record: dict[str, Any] = json.loads(raw.rpop(app.keys.queue("default")))
    return record


def written(record: dict[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode()


# -- there and back ------------------------------------------------------------------------------------------------


def test_some_arguments_are_encrypted_and_all_come_back(keyed: App, bench: Bench, raw: Any) -> None:
    got: list[Any] = []

    @keyed.job(encrypt=("card", "cvv"))
    def pay(order: UUID, card: Card, ctx: Context, *, cvv: str) -> None:
        got.append((order, card, cvv, ctx.jid))

    order, card = UUID(int=7), Card(CARD, Decimal("10.50"))
    jid = pay.enqueue(order, card, cvv=CVV)
    lies = everything(raw)
    assert CARD.encode() not in lies
    assert CVV.encode() not in lies
    assert str(order).encode() in lies
    bench.run()
    assert got == [(order, card, CVV, jid)]


def test_all_arguments_are_one_token(keyed: App, bench: Bench, raw: Any) -> None:
    got: list[Any] = []

    @keyed.job(encrypt=True)
    async def pay(order: int, card: str, *, cvv: str) -> None:
        got.append((order, card, cvv))

    pay.enqueue(7, CARD, cvv=CVV)
    record = json.loads(raw.lindex(keyed.keys.queue("default"), 0))
    assert len(record["args"]) == 1
    assert "kwargs" not in record
    assert record["needs"] == ["enterprise"]
    bench.run()
    assert got == [(7, CARD, CVV)]


def test_a_job_that_is_done_again_and_again_is_encrypted_once(keyed: App, bench: Bench, raw: Any) -> None:
    got: list[str] = []

    @keyed.job(encrypt=True, retry=0, result_ttl=60, backtrace=True)
    def pay(card: str) -> str:
        got.append(card)
        if len(got) < 3:
            raise ValueError(f"refused: {card}")
        return f"paid by {card}"

    jid = str(pay.using(delay=3600).enqueue(CARD))
    sealed = json.loads(raw.zrange(keyed.keys.schedule, 0, 0)[0])["args"]
    keyed.scheduled.run_all_now()
    for attempt in (1, 2):
        bench.run()
        until(lambda attempt=attempt: len(got) == attempt and bench.places() == {"dead": 1}, 15, "it is dead")
        record = bench.record("dead")
        assert record["args"] == sealed
        assert CARD.encode() not in everything(raw)
        assert codec_of(keyed).open_fields(record, jid=jid, of="job")["error_message"] == f"refused: {CARD}"
        keyed.dead.run_all_now()
    until(lambda: keyed.result(jid).state == "done", 15, "it has a result")
    assert keyed.result(jid).get() == f"paid by {CARD}"
    assert got == [CARD] * 3
    assert CARD.encode() not in everything(raw)


def test_nothing_plain_is_logged(keyed: App, bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    @keyed.job(encrypt=("card",), backtrace=True)
    def pay(order: int, card: str) -> None:
        raise ValueError(f"refused: {card}")

    with caplog.at_level(logging.DEBUG):
        pay.enqueue(7, CARD)
        bench.run()
    assert CARD not in caplog.text
    assert MASK in caplog.text


def test_an_outbox_row_and_a_repeated_push_carry_the_same_token(keyed: App, raw: Any) -> None:
    @keyed.job(encrypt=True)
    def pay(card: str) -> None: ...

    request = keyed.accept(pay.request(CARD))
    assert request is not None
    kept = row(keyed, request)
    assert CARD not in str(kept)
    ([again], _odd) = from_rows([kept])
    assert keyed.accept(again) is again
    keyed.client.push(again)
    keyed.client.push(again)
    first, second = taken(keyed, raw), taken(keyed, raw)
    assert first["args"] == second["args"] == request.record["args"]
    assert pay.restored(first) == ([CARD], {})


def test_a_push_whose_reply_was_lost_is_one_job_with_one_token(
    make_keyed: Make, redis_url: str, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Proxy(redis_url)) as proxy:
        app = make_keyed("new", url=proxy.url)
        sealed: list[Any] = []
        seal = codec_of(app).seal
        monkeypatch.setattr(codec_of(app), "seal", lambda request: (sealed.append(request), seal(request)))

        @app.job(name="pay", encrypt=True)
        def pay(card: str) -> None: ...

        pay.enqueue("warm")
        proxy.lose_reply(2)
        pay.enqueue(CARD)
        assert proxy.lost == 2
        app.close()
    assert len(sealed) == 2
    assert raw.llen(app.keys.queue("default")) == 2


# -- keys ----------------------------------------------------------------------------------------------------------


def test_a_job_with_a_key_that_is_not_here_waits_with_an_alarm_and_runs_when_it_is(
    make_keyed: Make, raw: Any, start_worker: Callable[..., Worker], caplog: pytest.LogCaptureFixture
) -> None:
    alarms: list[str] = []
    got: list[str] = []
    producer, without, with_it = make_keyed("new"), make_keyed("old"), make_keyed("old", "new")
    for app in (producer, without, with_it):
        app.job(name="pay", encrypt=True)(pay_into(got))
    without.on("key_missing")(alarms.append)
    producer.jobs["pay"].enqueue(CARD)
    producer.jobs["pay"].enqueue(CARD)
    bench = Bench(without, raw, start_worker)
    worker = bench.run(concurrency=1)
    until(lambda: bench.places() == {"schedule": 2}, 15, "both are held")
    assert not got
    assert alarms == ["new"]
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert "the key 'new', which this process does not have" in errors[0].getMessage()
    jid = json.loads(bench.members("schedule")[0])["jid"]
    assert any("the key 'new', which this process does not have" in reason for reason in without.why(jid).reasons)
    worker.stop(1)
    start_worker(with_it)
    with_it.scheduled.run_all_now()
    until(lambda: got == [CARD, CARD], 15, "both have run")


def pay_into(got: list[str]) -> Callable[..., None]:
    def pay(card: str) -> None:
        got.append(card)

    return pay


def test_without_any_key_nothing_is_enqueued_and_no_worker_starts(make_keyed: Make, raw: Any) -> None:
    app = make_keyed()

    @app.job(encrypt=True)
    def pay(card: str) -> None: ...

    with pytest.raises(InvalidSetting, match="there is no key to encrypt with"):
        pay.enqueue(CARD)
    with pytest.raises(InvalidSetting, match="there is no key to encrypt with"):
        Worker(app).start()
    assert not raw.exists(app.keys.queue("default"))


def test_an_app_that_encrypts_nothing_needs_no_key(make_keyed: Make, start_worker: Callable[..., Worker]) -> None:
    app = make_keyed()

    @app.job
    def greet(name: str) -> str:
        return name

    assert greet.inline("Ada") == "Ada"
    start_worker(app)


def test_a_worker_with_a_misspelt_name_does_not_start(keyed: App) -> None:
    @keyed.job(encrypt=("crad",))
    def pay(card: str) -> None: ...

    with pytest.raises(InvalidOption, match="Did you mean 'card'"):
        Worker(keyed).start()


def test_keys_may_come_from_code(make_app: Make) -> None:
    editions = [ProEdition(license="evaluation"), EnterpriseEdition(license="evaluation", encryption_keys=text_of)]
    app = make_app(editions=editions, enterprise={"encryption": {"active": "2026b"}})

    @app.job(encrypt=True)
    def pay(card: str) -> str:
        return card

    assert pay.inline(CARD) == CARD
    assert codec_of(app).ring.ids == ["2026b"]


def test_a_digest_with_a_key_says_nothing_and_stays_when_a_key_is_added(make_keyed: Make) -> None:
    before, after, other = make_keyed("old"), make_keyed("new", "old"), make_keyed("new")
    digest = codec_of(before).keyed_digest(b'["pay","4111"]')
    assert digest == codec_of(after).keyed_digest(b'["pay","4111"]')
    assert digest != codec_of(other).keyed_digest(b'["pay","4111"]')
    assert len(digest) == 64


def test_nothing_is_paused_by_an_argument_that_cannot_be_compared(keyed: App) -> None:
    keyed.job(name="pay", encrypt=("card",))(lambda order, card: None)
    keyed.job(name="whole", encrypt=True)(lambda order, card: None)
    pauses = Pauses(keyed)
    for name, argument in (("pay", "card"), ("whole", "order")):
        with pytest.raises(InvalidOption, match=f"the argument '{argument}' of job '{name}' is encrypted"):
            pauses.pause_class(name, where={argument: 7})
    pauses.pause_class("pay", where={"order": 7})


# -- without a worker ------------------------------------------------------------------------------------------------


def test_inline_runs_need_the_key_too(make_keyed: Make) -> None:
    app = make_keyed("new")

    @app.job(encrypt=("card",))
    def pay(card: str) -> str:
        return card

    assert pay.inline(CARD) == CARD
    with inline(app) as jobs:
        pay.enqueue(CARD)
        assert jobs.ran[0].result == CARD


def test_an_inline_run_without_the_key_is_held(make_keyed: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    app, other = make_keyed("new"), make_keyed("old")

    @app.job(encrypt=True)
    def pay(card: str) -> str:
        return card

    monkeypatch.setattr(codec_of(app), "seal", codec_of(other).seal)  # as if another process had enqueued it
    with pytest.raises(JobHeld, match="the key 'old', which this process does not have"):
        pay.inline(CARD)


def test_the_free_edition_holds_an_encrypted_job(
    keyed: App, make_app: Make, raw: Any, start_worker: Callable[..., Worker]
) -> None:
    @keyed.job(name="pay", encrypt=True)
    def pay(card: str) -> None: ...

    free = make_app(editions=[])

    @free.job(name="pay")
    def stranger(card: str) -> None:
        raise AssertionError("it must not run")

    pay.enqueue(CARD)
    bench = Bench(free, raw, start_worker)
    bench.run()
    assert "it needs the edition 'enterprise'" in bench.record("schedule")["put_back"]["reason"]
    (entry,) = free.scheduled
    assert entry.args == [MASK]
