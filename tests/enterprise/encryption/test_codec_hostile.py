"""What was moved or changed by who can write to Redis runs nowhere; what was never encrypted waits."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offsider import App
from offsider.testing import fake
from offsider.testing.runner import Runner
from support.bench import payload

CARD = "4111-1111-1111-1111"
Make = Callable[..., App]


def written(record: dict[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode()


def forged(record: dict[str, Any], how: str, other: dict[str, Any]) -> dict[str, Any]:
    """What somebody who can write to Redis may make of a job ``pay(order, card, pin)``."""
    args = record["args"]
    changes: dict[str, dict[str, Any]] = {
        "another job's card": {"args": [7, other["args"][1], args[2]]},
        "the pin as the card": {"args": [7, args[2], args[1]]},
        "another id": {"jid": "b4a577edbccf1d805744efa9"},
        "another class": {"class": "refund"},
        "plain text in its place": {"args": [7, "4111", args[2]]},
        "a number in its place": {"args": [7, 4111, args[2]]},
        "one letter changed": {
            "args": [7, args[1][:-6] + ("A" if args[1][-6] != "A" else "B") + args[1][-5:], args[2]]
        },
        "an argument taken out": {"args": [7, args[1]]},
        "a place that is not there": {"sealed": {"args": [1, 2, 9]}},
        "a place twice": {"sealed": {"args": [1, 1, 2]}},
        "places that are none": {"sealed": {"args": ["1", 2.5]}},
        "said to be whole": {"sealed": {"args": True}},
        "said to be one of another kind": {"sealed": {"args": 1}},
    }
    return {**record, **changes[how]}


HOW = [
    "another job's card", "the pin as the card", "another id", "another class", "plain text in its place",
    "a number in its place", "one letter changed", "an argument taken out", "a place that is not there",
    "a place twice", "places that are none", "said to be whole", "said to be one of another kind",
]  # fmt: skip


@pytest.fixture
def runner(keyed: App) -> Iterator[Runner]:
    """Runs payloads as a worker does."""
    one = Runner(keyed)
    yield one
    one.close()


@pytest.mark.parametrize("how", HOW)
def test_what_was_moved_or_changed_is_quarantined_and_never_run(
    keyed: App, runner: Runner, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[Any] = []

    def body(order: int, card: str, pin: str) -> None:
        ran.append(card)

    pay = keyed.job(name="pay", encrypt=("card", "pin"))(body)
    keyed.job(name="refund", encrypt=("card", "pin"))(lambda order, card, pin: body(order, card, pin))
    with fake(keyed) as jobs:
        pay.enqueue(7, CARD, "17")
        pay.enqueue(7, "5500-0000", "17")
        record, other = (job.record for job in jobs.jobs)
    assert runner.run(written(record)).kind == "done"
    assert runner.run(written(forged(record, how, other))).kind == "quarantine"
    assert ran == [CARD]
    assert CARD not in caplog.text


def test_another_namespace_cannot_read_it(make_keyed: Make, runner: Runner, keyed: App) -> None:
    other = make_keyed("new", namespace="other")

    @keyed.job(name="pay", encrypt=True)
    def pay(card: str) -> None:
        raise AssertionError("it must not run")

    theirs = other.job(name="pay", encrypt=True)(lambda card: None)
    with fake(other) as jobs:
        theirs.enqueue(CARD)
        assert runner.run(jobs.jobs[0].payload).kind == "quarantine"


def test_a_shard_of_another_namespace_is_the_same_app(make_keyed: Make) -> None:
    """A job is encrypted before it is known where it goes, and workers serve one shard."""
    shards = {"eu": {"namespace": "eu"}}
    producer, worker = make_keyed("new", shards=shards), make_keyed("new", shards=shards)
    worker.serve("eu")
    pay = producer.job(name="pay", encrypt=True)(lambda card: None)
    there = worker.job(name="pay", encrypt=True)(lambda card: None)
    with fake(producer) as jobs:
        pay.enqueue(CARD)
        assert there.restored(jobs.jobs[0].record) == ([CARD], {})


def test_what_is_left_of_a_record_without_its_marks_waits_or_is_refused(keyed: App, runner: Runner) -> None:
    """Without ``sealed`` tokens would be plain text; the code says that they are none."""

    @keyed.job(name="pay", encrypt=("card",))
    def pay(order: int, card: str) -> None:
        raise AssertionError("it must not run")

    with fake(keyed) as jobs:
        pay.enqueue(7, CARD)
        record = jobs.jobs[0].record
    bare = {name: value for name, value in record.items() if name != "sealed"}
    kinds = [runner.run(written(one)).kind for one in (bare, {**bare, "sealed": {"args": []}})]
    assert kinds == ["schedule", "schedule"]
    assert runner.run(written({**bare, "sealed": {"args": [0]}})).kind == "quarantine"


def test_plain_arguments_of_before_wait_and_are_not_run(keyed: App, runner: Runner) -> None:
    @keyed.job(name="pay", encrypt=("card",))
    def pay(order: int, card: str) -> None:
        raise AssertionError("it must not run")

    ran = runner.run(payload("pay", 7, CARD))
    assert ran.kind == "schedule"
    note = json.loads(ran.payload)["put_back"]
    assert note["held"] is True
    assert "its positional argument 1 is plain, and the code says that it is encrypted" in note["reason"]
    assert CARD not in note["reason"]


def test_who_waits_long_is_looked_at_seldom(keyed: App, runner: Runner) -> None:
    keyed.job(name="pay", encrypt=("card",))(lambda order, card: None)
    delays, job = [], payload("pay", 7, CARD)
    for _ in range(7):
        ran = runner.run(job)
        delays.append(ran.delay_s)
        job = ran.payload
    assert delays == [15, 30, 60, 120, 240, 300, 300]
    for note in ({"held": True, "count": "x"}, {"held": True, "count": -1}, {"held": True, "count": 10**9}):
        assert runner.run(payload("pay", 7, CARD, put_back=note)).delay_s == 300


def test_they_are_run_while_a_fleet_is_on_its_way(make_keyed: Make) -> None:
    app = make_keyed("new", settings={"accept_plaintext": True})
    got: list[Any] = []

    @app.job(name="pay", encrypt=("card",))
    def pay(order: int, card: str) -> None:
        got.append(card)
        if order == 8:
            raise ValueError(card)

    runner = Runner(app)
    assert runner.run(payload("pay", 7, CARD)).kind == "done"
    failed = runner.run(payload("pay", 8, CARD))
    runner.close()
    assert got == [CARD, CARD]
    record = json.loads(failed.payload)
    assert record["sealed"] == {"error_message": True}
    assert CARD not in record["error_message"]


PLACES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 5), st.text(max_size=3),
    st.lists(st.one_of(st.integers(-3, 5), st.sampled_from(["pin", "x"]), st.none()), max_size=3),
)  # fmt: skip
HOSTILE = st.one_of(
    PLACES, st.dictionaries(st.sampled_from(["args", "kwargs", "error_message", "x"]), PLACES, max_size=3)
)


@given(sealed=HOSTILE, order=st.permutations([0, 1, 2]), extra=st.one_of(st.none(), st.text(max_size=3)))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_record_says_of_itself_nothing_runs_but_what_was_written(
    fuzzed: tuple[Runner, dict[str, Any], list[Any]], sealed: Any, order: list[int], extra: str | None
) -> None:
    runner, record, ran = fuzzed
    args = [record["args"][k] for k in order]
    forged = {**record, "sealed": sealed, "args": args if extra is None else [*args, extra]}
    ran.clear()
    kind = runner.run(written(forged)).kind
    assert ran in ([], [(7, CARD, "17")])
    assert kind in ("quarantine", "schedule") or ran


@pytest.fixture
def fuzzed(keyed: App, runner: Runner) -> tuple[Runner, dict[str, Any], list[Any]]:
    """A runner, an encrypted job's record, and what has run."""
    ran: list[Any] = []

    @keyed.job(name="pay", encrypt=("card", "pin"))
    def pay(order: int, card: str, pin: str) -> None:
        ran.append((order, card, pin))

    with fake(keyed) as jobs:
        pay.enqueue(7, CARD, "17")
        return runner, jobs.jobs[0].record, ran
