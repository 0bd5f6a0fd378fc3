"""A secret job opens what its payload says is sealed, and shows nothing of it: to no log, list, page or error."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator

from offsider import App, Cancel
from offsider.errors import InvalidArguments, InvalidOption, Malformed, NotJson
from offsider.job.sealing import MASK
from offsider.worker.worker import Worker
from support.backwards import Turning
from support.bench import Bench
from support.everything import everything
from support.waiting import until

SECRET = "4111-1111"


def refuse(text: str) -> str:
    """Code of an annotation that shows what it was given."""
    raise RuntimeError(f"no {text}")


Refused = Annotated[str, AfterValidator(refuse)]


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


def test_the_option_makes_a_job_secret(app: App) -> None:
    @app.job(backwards=True)
    def pay(card: str) -> None: ...

    @app.job(backwards=False)
    def greet(name: str) -> None: ...

    assert pay.secret
    assert pay.hides({})
    assert not greet.secret
    assert not greet.hides({})
    assert greet.hides({"sealed": {"args": True}})


def test_a_secret_job_is_never_read_at_a_glance(app: App) -> None:
    @app.job(backwards=True)
    def pay(card: str) -> None: ...

    @app.job
    def greet(name: str) -> None: ...

    assert pay.arguments.glance(["x"]) is None
    assert greet.arguments.glance(["x"]) == ["x"]


def test_a_payload_is_opened_and_stays_as_it_is(app: App) -> None:
    @app.job
    def greet(name: str) -> None: ...

    record = {"args": ['backwards:"adA"'], "sealed": {"args": True}}
    assert greet.restored(record) == (["Ada"], {})
    assert record["args"] == ['backwards:"adA"']
    assert greet.restored({"args": ["Ada"]}) == (["Ada"], {})


def test_what_does_not_fit_is_told_without_its_value(app: App) -> None:
    @app.job(name="count")
    def count(number: int) -> None: ...

    with pytest.raises(InvalidArguments, match=r"job 'count': number does not fit; expected int") as caught:
        count.restored({"args": ['backwards:"adA"'], "sealed": {"args": True}})
    assert "Ada" not in str(caught.value)
    with pytest.raises(Malformed):
        count.restored({"args": [7], "sealed": {"args": True}})


def test_an_annotation_whose_own_code_fails_shows_nothing_either(app: App) -> None:
    @app.job(backwards=True)
    def pay(card: Refused) -> None: ...

    with pytest.raises(InvalidArguments, match=r"card does not fit.*\(RuntimeError\)") as caught:
        pay.enqueue("4111")
    assert "4111" not in str(caught.value)


# -- shown nowhere -------------------------------------------------------------------------------------------------


def test_the_error_of_a_failure_is_sealed_and_not_logged(
    app: App, bench: Bench, raw: Any, caplog: pytest.LogCaptureFixture
) -> None:
    @app.job(backwards=True, backtrace=True)
    def pay(card: str) -> None:
        raise ValueError(f"bad card {card}")

    @app.on("error")
    def fails(_record: Any, _error: Any) -> None:
        raise RuntimeError("this listener fails")

    pay.enqueue(SECRET)
    with caplog.at_level(logging.DEBUG):
        bench.run()
    record = bench.record("retry")
    assert record["error_class"] == "ValueError"
    assert record["sealed"] == {"args": True, "error_message": True, "error_backtrace": True}
    assert SECRET.encode() not in everything(raw)
    assert "this listener fails" in caplog.text
    assert SECRET not in caplog.text
    assert f"failed with ValueError: {MASK}" in caplog.text


def test_the_next_failure_is_sealed_anew(app: App, bench: Bench, turning: Turning) -> None:
    @app.job(backwards=True)
    def pay(card: str) -> None:
        raise ValueError(card)

    pay.enqueue(SECRET)
    bench.run()
    first = bench.members("retry")
    app.retries.run_all_now()
    until(lambda: bench.places() == {"retry": 1} and bench.members("retry") != first, 15, "it has failed again")
    record = bench.record("retry")
    opened = turning.codec.open_fields(record, jid=record["jid"], of="job")
    assert opened["error_message"] == SECRET


def test_listings_answers_and_dictionaries_show_a_mask(app: App, bench: Bench, raw: Any) -> None:
    @app.job(backwards=True, retry=0, backtrace=True)
    def pay(card: str) -> None:
        raise ValueError(card)

    jid = str(pay.enqueue(SECRET))
    bench.run()
    (entry,) = app.dead
    assert entry.args == [MASK]
    assert entry.kwargs == {}
    assert entry.error == f"ValueError: {MASK}"
    assert entry.traceback == [MASK]
    assert entry.to_dict()["record"]["args"] == [MASK]
    why = app.why(jid)
    assert any(MASK in reason for reason in why.reasons)
    assert "backwards:" not in json.dumps([why.to_dict(), entry.to_dict(), app.job_info(jid).to_dict()])  # type: ignore[union-attr]
    assert app.dead.search(SECRET).jobs == ()


def test_what_runs_shows_a_mask(app: App, bench: Bench) -> None:
    gate = threading.Event()

    @app.job(backwards=True)
    def pay(card: str) -> None:
        gate.wait(20)

    pay.enqueue(SECRET)
    bench.start()
    until(lambda: len(app.running) == 1, 15, "the heartbeat tells it")
    (one,) = app.running
    gate.set()
    assert (one.args, one.kwargs) == ([MASK], {})
    assert "backwards:" not in json.dumps(one.to_dict())


def test_a_call_that_does_not_fit_is_told_without_its_values(app: App) -> None:
    @app.job(backwards=True)
    def pay(card: int, more: dict[str, Any] | None = None) -> None: ...

    with pytest.raises(InvalidArguments, match=r"card does not fit; expected int") as caught:
        pay.enqueue(SECRET)  # type: ignore[arg-type]
    assert SECRET not in str(caught.value)
    with pytest.raises((InvalidArguments, NotJson)) as raised:
        pay.enqueue(1, {"number": {SECRET}})
    assert SECRET not in str(raised.value)
    with pytest.raises(InvalidOption) as refused:
        pay.enqueue_many([SECRET])  # type: ignore[list-item]
    assert SECRET not in str(refused.value)


def test_a_call_that_is_sealed_by_its_own_options_is_told_without_its_values(app: App) -> None:
    @app.job
    def count(number: int) -> None: ...

    with pytest.raises(InvalidArguments, match="4111"):
        count.enqueue(SECRET)  # type: ignore[arg-type]
    with pytest.raises(InvalidArguments, match="number does not fit") as caught:
        count.using(backwards=True).enqueue(SECRET)  # type: ignore[arg-type]
    assert SECRET not in str(caught.value)


def test_a_payload_that_does_not_fit_the_code_is_put_back_without_its_values(
    app: App, bench: Bench, raw: Any, caplog: pytest.LogCaptureFixture
) -> None:
    @app.job(name="pay", backwards=True)
    def pay(card: str) -> None: ...

    pay.enqueue(SECRET)

    @app.job(name="old", backwards=True)
    def changed(card: int) -> None: ...

    sealed = waiting(app, raw)
    raw.delete(app.keys.queue("default"))
    bench.run(json.dumps({**sealed, "class": "old"}).encode())
    assert "card does not fit" in bench.record("schedule")["put_back"]["reason"]
    assert SECRET.encode() not in everything(raw)
    assert SECRET not in caplog.text


def test_a_result_is_sealed_and_read_by_who_has_the_key(app: App, bench: Bench, raw: Any, turning: Turning) -> None:
    @app.job(backwards=True, result_ttl=60)
    def pay(card: str) -> str:
        return f"paid by {card}"

    jid = str(pay.enqueue(SECRET))
    bench.run()
    assert SECRET.encode() not in everything(raw)
    result = app.result(jid)
    assert result.sealed
    assert result.get() == f"paid by {SECRET}"
    turning.codec.has_key = False
    without = app.result(jid)
    assert without.value is None
    assert "the key is not here" in without.error


def test_the_error_of_a_result_is_sealed(app: App, bench: Bench, raw: Any) -> None:
    @app.job(backwards=True, result_ttl=60, retry=0)
    def pay(card: str) -> str:
        raise ValueError(card)

    jid = str(pay.enqueue(SECRET))
    bench.run()
    assert SECRET.encode() not in everything(raw)
    assert app.result(jid).error == f"ValueError: {SECRET}"


def test_a_job_that_ends_otherwise_leaves_nothing_plain(app: App, bench: Bench, raw: Any) -> None:
    @app.job(backwards=True, result_ttl=60)
    def pay(card: str) -> Any:
        return Cancel("not today")

    jid = str(pay.enqueue(SECRET))
    bench.run()
    assert app.result(jid).state == "cancelled"
    assert SECRET.encode() not in everything(raw)
