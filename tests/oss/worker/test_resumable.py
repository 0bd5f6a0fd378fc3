"""Resumable jobs on a real worker: whatever ends a run, the next one goes on where it was."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date
from typing import Any

import pytest

from offsider import CONTEXT, App, Cancel, Context, Retry, Snooze
from offsider.contract.middleware import NextAsync, NextSync, ServerMiddleware
from offsider.contract.work import Hold, UnitOfWork
from offsider.store.connection import Connections
from offsider.worker.cursors import KeptCursors
from offsider.worker.execution import Execution
from offsider.worker.resumable import Bodies
from offsider.worker.worker import Worker
from support.bench import Bench, payload
from support.steps import Steps
from support.waiting import until

both = pytest.mark.parametrize("kind", ["def", "async"])
AGAIN = Retry(max=3, delay=0.01)


@pytest.fixture
def make_bench(make_app: Callable[..., App], raw: Any, start_worker: Callable[..., Worker]) -> Callable[..., Bench]:
    """Benches whose workers keep a cursor so often; at each yield without a word."""

    def make(every_s: float = 0.0, **worker: Any) -> Bench:
        return Bench(make_app(worker={"cursor_every_s": every_s, **worker}), raw, start_worker)

    return make


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()


def state(bench: Bench, jid: str | None) -> dict[str, str]:
    """What Redis keeps of a job."""
    found = bench.raw.hgetall(bench.key(f"it-{jid}"))
    return {name.decode(): value.decode() for name, value in found.items()}


def settled(bench: Bench) -> bool:
    """True when no job is anywhere, not even in a set."""
    return bench.is_settled() and not bench.places()


# -- to its end ----------------------------------------------------------------------------------------------


@both
def test_a_job_goes_from_cursor_to_cursor_and_nothing_is_left_of_it(bench: Bench, kind: str) -> None:
    steps = Steps(last=5)
    jid = steps.define(bench.app, kind).enqueue()
    bench.run()
    assert (steps.done, steps.begun) == ([1, 2, 3, 4, 5], [None])
    assert bench.places() == {}
    until(lambda: not state(bench, jid), what="its state is deleted")


@both
def test_while_it_runs_its_state_is_where_sidekiqs_pages_look_for_it(bench: Bench, kind: str) -> None:
    steps = Steps(last=5, gate=4)
    jid = steps.define(bench.app, kind).enqueue()
    bench.start()
    steps.wait_at_gate()
    found = state(bench, jid)
    assert (found.keys(), found["c"], found["ex"]) == ({"c", "ex", "rt"}, "3", "1")
    assert 0 <= float(found["rt"]) < 10
    assert 29 * 86_400 < bench.raw.ttl(bench.key(f"it-{jid}")) <= 30 * 86_400
    steps.opened.set()
    bench.run()


@both
def test_between_two_keeps_redis_is_not_asked(make_bench: Callable[..., Bench], kind: str) -> None:
    bench = make_bench(every_s=3600)
    steps = Steps(last=5, gate=5)
    jid = steps.define(bench.app, kind).enqueue()
    bench.start()
    steps.wait_at_gate()
    assert state(bench, jid) == {}
    steps.opened.set()
    bench.run()
    assert (steps.done, state(bench, jid)) == ([1, 2, 3, 4, 5], {})


@both
def test_middleware_stands_around_the_whole_run_once(bench: Bench, kind: str) -> None:
    seen: list[str] = []

    class Around(ServerMiddleware):
        def call(self, execution: Any, next: NextSync) -> Any:
            seen.append("before")
            result = next(execution)
            seen.append("after")
            return result

        async def acall(self, execution: Any, next: NextAsync) -> Any:
            seen.append("before")
            result = await next(execution)
            seen.append("after")
            return result

    bench.app.server_middleware.add("around", Around(), by="test")
    Steps(last=3).define(bench.app, kind).enqueue()
    bench.run()
    assert seen == ["before", "after"]


def test_arguments_and_context_come_beside_the_cursor(bench: Bench) -> None:
    seen: list[Any] = []

    @bench.app.job
    def walk(cursor: int | None, day: date, ctx: Context = CONTEXT, *, copies: int = 1) -> Iterator[int]:
        seen.append((cursor, day, ctx.jid, copies))
        yield 1

    jid = walk.enqueue(date(2027, 1, 31), copies=2)
    assert json.loads(bench.raw.lindex(bench.key("queue:default"), 0))["args"] == ["2027-01-31"]
    bench.run()
    assert seen == [(None, date(2027, 1, 31), jid, 2)]


# -- failures ------------------------------------------------------------------------------------------------


@both
def test_a_failed_run_is_retried_from_its_last_yield(make_bench: Callable[..., Bench], kind: str) -> None:
    bench = make_bench(every_s=3600)
    steps = Steps(last=6, fails={3: ValueError("three"), 5: ValueError("five")})
    steps.define(bench.app, kind, retry=AGAIN).enqueue()
    bench.start()
    until(lambda: steps.done[-1:] == [6] and settled(bench))
    assert (steps.done, steps.begun) == ([1, 2, 3, 4, 5, 6], [None, 2, 4])


def test_a_job_that_died_goes_on_where_it_was_when_it_is_run_again(bench: Bench) -> None:
    steps = Steps(last=4, fails={3: ValueError("three")})
    jid = steps.define(bench.app, "def", retry=0).enqueue()
    bench.run()
    assert bench.places() == {"dead": 1}
    assert state(bench, jid)["c"] == "2"
    bench.run(bench.members("dead")[0])
    assert (steps.done, steps.begun) == ([1, 2, 3, 4], [None, 2])


@both
def test_a_timeout_holds_for_a_run_and_the_next_one_goes_on(bench: Bench, kind: str) -> None:
    steps = Steps(last=4, gate=3)
    steps.define(bench.app, kind, retry=AGAIN, timeout=0.3).enqueue()
    bench.start()
    steps.wait_at_gate()
    until(lambda: len(steps.begun) == 2, what="the second run has begun")
    steps.opened.set()
    until(lambda: settled(bench))
    assert steps.done == [1, 2, 3, 4]
    assert set(steps.begun) == {None, 2}


def test_what_is_yielded_is_taken_over_before_the_body_goes_on_to_change_it(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(every_s=3600)
    begun: list[Any] = []

    @bench.app.job(retry=AGAIN)
    def walk(cursor: dict[str, int] | None) -> Iterator[dict[str, int]]:
        begun.append(cursor and dict(cursor))
        place = cursor or {"row": 0}
        place["row"] += 1
        yield place
        place["row"] += 1
        if len(begun) == 1:
            raise ValueError("now")

    walk.enqueue()
    bench.start()
    until(lambda: len(begun) == 2 and settled(bench))
    assert begun == [None, {"row": 1}]


@both
def test_a_cursor_comes_back_as_its_annotation_says(bench: Bench, kind: str) -> None:
    begun: list[Any] = []

    def threaded(cursor: tuple[date, str] | None) -> Iterator[tuple[date, str]]:
        begun.append(cursor)
        yield date(2027, 1, 31), "é"
        if len(begun) == 1:
            raise ValueError("now")

    async def looped(cursor: tuple[date, str] | None) -> AsyncIterator[tuple[date, str]]:
        for value in threaded(cursor):
            yield value

    bench.app.job(name="walk", retry=AGAIN)(threaded if kind == "def" else looped).enqueue()
    bench.start()
    until(lambda: len(begun) == 2 and settled(bench))
    assert begun == [None, (date(2027, 1, 31), "é")]


@both
@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [("1", "InvalidArguments", "yields '1' (str); expected int | None"), (2.5, "InvalidArguments", "yields 2.5")],
    ids=repr,
)
def test_what_does_not_fit_the_cursors_annotation_is_a_failure(
    bench: Bench, kind: str, wrong: Any, error: str, message: str
) -> None:
    closed: list[str] = []

    def threaded(cursor: int | None) -> Iterator[Any]:
        try:
            yield wrong
        finally:
            closed.append("closed")

    async def looped(cursor: int | None) -> AsyncIterator[Any]:
        try:
            yield wrong
        finally:
            closed.append("closed")

    bench.app.job(name="walk", retry=0)(threaded if kind == "def" else looped).enqueue()
    bench.run()
    record = bench.record("dead")
    assert record["error_class"].endswith(error)
    assert message in record["error_message"]
    assert closed == ["closed"]


@pytest.mark.parametrize("kept", ['"x"', "{", "[1]", "1.5"])
def test_a_cursor_that_the_code_does_not_know_is_a_failure_and_the_body_is_not_begun(bench: Bench, kept: str) -> None:
    steps = Steps()
    steps.define(bench.app, "def")
    bench.raw.hset(bench.key("it-j1"), mapping={"c": kept, "ex": "many", "rt": "nan"})
    bench.run(payload("steps", retry=0))
    assert "job 'steps': its cursor" in bench.record("dead")["error_message"]
    assert steps.begun == []
    assert state(bench, "j1")["c"] == kept


@both
def test_a_run_that_cannot_read_its_cursor_does_not_begin_and_is_held(bench: Bench, kind: str) -> None:
    steps = Steps()
    job = steps.define(bench.app, kind)
    nowhere = KeptCursors(Connections("redis://127.0.0.1:1"), bench.app.keys)
    bodies = Bodies(nowhere, every_s=0, grace_s=5)
    capsule: Any = None
    one = Execution(UnitOfWork("1:default", "default", b""), {"jid": "j1"}, job, capsule, [], {})
    run = bodies.call if kind == "def" else lambda execution: asyncio.run(bodies.acall(execution))
    with pytest.raises(Hold, match="its cursor cannot be read: ") as held:
        run(one)
    assert held.value.delay_s == 5
    assert steps.begun == []


def test_a_key_of_another_kind_in_the_place_of_its_state_is_a_failure(bench: Bench) -> None:
    steps = Steps()
    steps.define(bench.app, "def")
    bench.raw.set(bench.key("it-j1"), "no hash")
    bench.run(payload("steps", retry=0))
    assert steps.begun == []
    assert "WRONGTYPE" in bench.record("dead")["error_message"]


# -- what a body says ----------------------------------------------------------------------------------------


def test_a_snooze_that_is_returned_keeps_the_cursor(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(every_s=3600)
    begun: list[Any] = []

    @bench.app.job
    def walk(cursor: int | None) -> Iterator[int]:
        begun.append(cursor)
        if cursor is None:
            yield 7
            return Snooze(0.01)
        yield 8
        return None

    jid = walk.enqueue()
    bench.start()
    until(lambda: len(begun) == 2 and settled(bench))
    assert begun == [None, 7]
    until(lambda: not state(bench, jid))


@both
def test_a_snooze_that_is_yielded_ends_the_run(bench: Bench, kind: str) -> None:
    begun: list[Any] = []

    def threaded(cursor: int | None) -> Iterator[Any]:
        begun.append(cursor)
        yield 7 if cursor is None else 8
        if cursor is None:
            yield Snooze(0.01)

    async def looped(cursor: int | None) -> AsyncIterator[Any]:
        for value in threaded(cursor):
            yield value

    bench.app.job(name="walk")(threaded if kind == "def" else looped).enqueue()
    bench.start()
    until(lambda: len(begun) == 2 and settled(bench))
    assert begun == [None, 7]


@both
def test_a_cancel_that_is_yielded_ends_the_job(bench: Bench, kind: str) -> None:
    done: list[int] = []

    def threaded(cursor: int | None) -> Iterator[Any]:
        yield 1
        done.append(1)
        yield Cancel("enough")
        done.append(2)

    async def looped(cursor: int | None) -> AsyncIterator[Any]:
        for value in threaded(cursor):
            yield value

    jid = bench.app.job(name="walk")(threaded if kind == "def" else looped).enqueue()
    bench.run()
    assert (done, bench.places()) == ([1], {})
    until(lambda: not state(bench, jid))


@both
def test_a_yield_without_a_value_keeps_the_cursor_as_it_is(bench: Bench, kind: str) -> None:
    begun: list[Any] = []

    def threaded(cursor: int | None) -> Iterator[Any]:
        begun.append(cursor)
        yield 5
        yield
        if len(begun) == 1:
            raise ValueError("now")

    async def looped(cursor: int | None) -> AsyncIterator[Any]:
        for value in threaded(cursor):
            yield value

    bench.app.job(name="walk", retry=AGAIN)(threaded if kind == "def" else looped).enqueue()
    bench.start()
    until(lambda: len(begun) == 2 and settled(bench))
    assert begun == [None, 5]


# -- warnings ------------------------------------------------------------------------------------------------


def test_a_step_that_is_longer_than_the_grace_is_told_once(
    make_bench: Callable[..., Bench], caplog: pytest.LogCaptureFixture
) -> None:
    bench = make_bench(shutdown_timeout_s=0.05)
    caplog.set_level(logging.WARNING, "offsider.worker")

    @bench.app.job(name="slow")
    def slow(cursor: int | None) -> Iterator[int]:
        for number in (1, 2):
            threading.Event().wait(0.1)
            yield number

    @bench.app.job(name="aslow")
    async def aslow(cursor: int | None) -> AsyncIterator[int]:
        for number in (1, 2):
            await asyncio.sleep(0.1)
            yield number

    jids = [slow.enqueue(), aslow.enqueue()]
    bench.run()
    told = [one.getMessage() for one in caplog.records if "longer than the grace" in one.getMessage()]
    assert sorted(line.split("(")[1][:24] for line in told) == sorted(map(str, jids))
