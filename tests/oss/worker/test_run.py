"""One run of a resumable job: interrupted, cancelled, lost, without Redis; what is kept, and what it may not change."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from offsider import App, Retry
from offsider.contract.work import Interrupted, UnitOfWork
from offsider.store.connection import Connections
from offsider.worker.cursors import KeptCursors
from offsider.worker.execution import Execution
from offsider.worker.run import Run
from offsider.worker.worker import Worker
from support.bench import Bench, payload
from support.steps import Steps
from support.waiting import until

both = pytest.mark.parametrize("kind", ["def", "async"])


@pytest.fixture
def make_bench(make_app: Callable[..., App], raw: Any, start_worker: Callable[..., Worker]) -> Callable[..., Bench]:
    """Benches whose workers keep a cursor so often; only at the end of a run without a word."""

    def make(every_s: float = 3600.0, **worker: Any) -> Bench:
        return Bench(make_app(worker={"cursor_every_s": every_s, **worker}), raw, start_worker)

    return make


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()


def state(bench: Bench, jid: str | None) -> dict[str, str]:
    """What Redis keeps of a job."""
    found = bench.raw.hgetall(bench.key(f"it-{jid}"))
    return {name.decode(): value.decode() for name, value in found.items()}


def waiting(bench: Bench) -> list[bytes]:
    """The payloads in the queue, next first."""
    found: list[bytes] = bench.raw.lrange(bench.key("queue:default"), 0, -1)
    return found[::-1]


def flying(bench: Bench) -> bool:
    """True while a job is in flight."""
    return bool(bench.raw.keys(bench.key("inflight:*")))


# -- the process stops ---------------------------------------------------------------------------------------


@both
def test_a_process_that_stops_hands_the_job_back_at_its_next_yield(
    bench: Bench, kind: str, start_worker: Callable[..., Worker]
) -> None:
    steps = Steps(last=6, gate=4)
    jid = steps.define(bench.app, kind).enqueue()
    (before,) = waiting(bench)
    worker = bench.start()
    steps.wait_at_gate()
    worker.quiet()
    steps.opened.set()
    until(lambda: waiting(bench) and not flying(bench), what="the job is back")
    assert waiting(bench) == [before], "unchanged, and no attempt was used"
    assert (steps.done, state(bench, jid)["c"], state(bench, jid)["ex"]) == ([1, 2, 3, 4], "4", "1")
    worker.stop(1.0)
    start_worker(bench.app)
    until(lambda: steps.done[-1] == 6 and not waiting(bench) and not flying(bench))
    assert (steps.done, steps.begun) == ([1, 2, 3, 4, 5, 6], [None, 4])
    until(lambda: not state(bench, jid))


@both
def test_an_interrupted_run_is_no_failure_and_is_not_counted(bench: Bench, kind: str) -> None:
    told: list[BaseException] = []
    bench.app.events.on("error", lambda _record, error: told.append(error), by="test")
    steps = Steps(last=6, gate=4)
    steps.define(bench.app, kind).enqueue()
    worker = bench.start()
    steps.wait_at_gate()
    worker.quiet()
    steps.opened.set()
    until(lambda: waiting(bench) and not flying(bench))
    worker.stop(1.0)
    assert told == []
    assert bench.raw.get(bench.key("stat:failed")) in (None, b"0")
    assert bench.raw.get(bench.key("stat:processed")) in (None, b"0")


@both
def test_a_step_that_outlasts_the_grace_is_cut_off_and_the_cursor_before_it_is_kept(
    bench: Bench, kind: str, start_worker: Callable[..., Worker]
) -> None:
    steps = Steps(last=6, gate=4)
    jid = steps.define(bench.app, kind).enqueue()
    (before,) = waiting(bench)
    worker = bench.start()
    steps.wait_at_gate()
    worker.stop(0.1)
    assert waiting(bench) == [before]
    assert (steps.done, state(bench, jid)["c"]) == ([1, 2, 3], "3")
    steps.opened.set()
    start_worker(bench.app)
    until(lambda: steps.done[-1] == 6)
    assert (steps.done, steps.begun) == ([1, 2, 3, 4, 5, 6], [None, 3])


def test_a_generator_that_does_not_end_when_it_is_closed_is_a_failure_and_its_cursor_is_kept(bench: Bench) -> None:
    reached, on = threading.Event(), threading.Event()

    @bench.app.job(name="stubborn")
    def stubborn(cursor: int | None) -> Iterator[int]:
        try:
            reached.set()
            assert on.wait(15)
            yield 1
        finally:
            yield 2

    jid = stubborn.enqueue()
    worker = bench.start()
    assert reached.wait(15)
    worker.quiet()
    on.set()
    until(lambda: bench.places() == {"retry": 1})
    assert "generator ignored GeneratorExit" in bench.record("retry")["error_message"]
    assert state(bench, jid)["c"] == "1"


# -- it has run for long -------------------------------------------------------------------------------------


@both
def test_a_run_of_max_run_s_lets_others_go_first_and_goes_on(bench: Bench, kind: str) -> None:
    order: list[Any] = []
    gate = threading.Event()
    steps = Steps(last=4, gate=2)

    @bench.app.job(name="other")
    def other() -> None:
        order.append(list(steps.done))
        gate.set()

    steps.define(bench.app, kind, max_run_s=1e-9)
    bench.app.jobs["steps"].enqueue()
    bench.start(concurrency=1)
    steps.wait_at_gate()
    other.enqueue()
    steps.opened.set()
    bench.run()
    until(lambda: steps.done == [1, 2, 3, 4] and not bench.places())
    assert gate.wait(15)
    assert order == [[1, 2]], "it ran in the middle"
    assert 2 in steps.begun


def test_max_run_s_of_a_call_travels_and_counts_for_each_run(bench: Bench) -> None:
    steps = Steps(last=3)
    job = steps.define(bench.app, "def")
    job.using(max_run_s=1e-9).enqueue()
    assert json.loads(waiting(bench)[0])["max_run_s"] == 1e-9
    bench.start()
    until(lambda: steps.done == [1, 2, 3] and not waiting(bench) and not flying(bench) and not bench.places())
    assert steps.begun[:2] == [None, 1]


# -- cancelled -----------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("kept", [{}, {"c": "2", "ex": "1", "rt": "0.5"}], ids=["never begun", "half done"])
def test_a_job_that_was_cancelled_before_does_not_begin(bench: Bench, kind: str, kept: dict[str, str]) -> None:
    steps = Steps()
    steps.define(bench.app, kind)
    bench.raw.hset(bench.key("it-j1"), mapping={**kept, "cancelled": "1755432000"})
    bench.run(payload("steps"))
    assert (steps.begun, steps.done, bench.places()) == ([], [], {})
    until(lambda: not state(bench, "j1"))


@both
def test_a_job_is_cancelled_while_it_runs(make_bench: Callable[..., Bench], kind: str) -> None:
    bench = make_bench(every_s=0.0)
    steps = Steps(last=6, gate=4)
    jid = steps.define(bench.app, kind).enqueue()
    bench.start()
    steps.wait_at_gate()
    bench.raw.hset(bench.key(f"it-{jid}"), "cancelled", "1755432000")
    steps.opened.set()
    bench.run()
    assert (steps.done, bench.places()) == ([1, 2, 3, 4], {})
    until(lambda: not state(bench, jid))


@both
def test_a_job_that_the_app_cancels_ends_at_its_next_yield_or_await(bench: Bench, kind: str) -> None:
    told: list[str] = []
    bench.app.events.on("cancelled", lambda record: told.append(record["jid"]), by="test")
    steps = Steps(last=6, gate=4)
    jid = steps.define(bench.app, kind).enqueue()
    bench.start()
    steps.wait_at_gate()
    assert bench.app.cancel(str(jid))
    until(lambda: told or any(one.cancelled for one in bench.start().running()), what="its worker knows")
    steps.opened.set()
    bench.run()
    until(lambda: told == [jid])
    assert (steps.done, bench.places()) == ([1, 2, 3] if kind == "async" else [1, 2, 3, 4], {})
    assert state(bench, jid) == {}


# -- not ours any more ---------------------------------------------------------------------------------------


@both
def test_a_zombies_late_cursor_changes_nothing(make_bench: Callable[..., Bench], kind: str) -> None:
    bench = make_bench(every_s=0.0)
    steps = Steps(last=6, gate=4)
    jid = steps.define(bench.app, kind).enqueue()
    bench.start()
    steps.wait_at_gate()
    key = bench.key(f"it-{jid}")
    bench.raw.zremrangebyrank(bench.key("owners"), 0, -1)  # another process has found its lease over
    bench.raw.hset(key, "c", "100")  # and runs the job
    steps.opened.set()
    until(lambda: not bench.start().running(), what="the zombie has stopped")
    assert steps.done == [1, 2, 3, 4], "at its next yield"
    assert state(bench, jid)["c"] == "100"
    until(lambda: bench.raw.zcard(bench.key("owners")) == 1, what="a new owner has taken over")
    assert state(bench, jid)["c"] == "100"


# -- deaths --------------------------------------------------------------------------------------------------


def test_a_job_that_comes_on_is_not_blamed_for_the_deaths_of_its_processes(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(every_s=0.0)
    steps = Steps(last=6, gate=4)
    steps.define(bench.app, "def")
    bench.raw.lpush(bench.key("queue:default"), payload("steps", crashes=3, tags=["a"]))
    bench.start()
    steps.wait_at_gate()
    (key,) = bench.raw.keys(bench.key("inflight:*"))
    (held,) = bench.raw.hvals(key)
    assert "crashes" not in json.loads(held)
    assert json.loads(held)["tags"] == ["a"]
    steps.opened.set()
    bench.run()
    assert steps.done == [1, 2, 3, 4, 5, 6]


def test_a_job_that_does_not_come_on_keeps_its_count_of_deaths(bench: Bench) -> None:
    steps = Steps(last=6, gate=1)
    steps.define(bench.app, "def")
    bench.raw.lpush(bench.key("queue:default"), payload("steps", crashes=3))
    bench.start()
    steps.wait_at_gate()
    (key,) = bench.raw.keys(bench.key("inflight:*"))
    assert json.loads(bench.raw.hvals(key)[0])["crashes"] == 3
    steps.opened.set()
    bench.run()


# -- without Redis -------------------------------------------------------------------------------------------


@both
def test_a_full_redis_does_not_end_a_run(
    make_server: Callable[..., Any],
    make_app: Callable[..., App],
    start_worker: Callable[..., Worker],
    caplog: pytest.LogCaptureFixture,
    kind: str,
) -> None:
    server = make_server()
    raw = server.client()
    bench = Bench(make_app(server.url, worker={"cursor_every_s": 0.0}), raw, start_worker)
    caplog.set_level(logging.WARNING, "offsider.worker")
    steps = Steps(last=6, gate=3)
    jid = steps.define(bench.app, kind, retry=Retry(max=1, delay=0.01)).enqueue()
    bench.start()
    steps.wait_at_gate()
    raw.config_set("maxmemory", 1)
    steps.opened.set()
    bench.run()
    assert (steps.done, steps.begun) == ([1, 2, 3, 4, 5, 6], [None])
    assert sum("its cursor is not kept just now" in one.getMessage() for one in caplog.records) == 1
    until(lambda: not state(bench, jid), what="a full server deletes")
    raw.close()


# -- the owner's name ----------------------------------------------------------------------------------------


class Names:
    """A fetcher that gets another name after it was asked so often."""

    def __init__(self, *names: str) -> None:
        self._names = list(names)

    @property
    def owner(self) -> str:
        """The next name; the last one for ever."""
        return self._names.pop(0) if len(self._names) > 1 else self._names[0]


def run_of(bench: Bench, *names: str) -> tuple[Run, KeptCursors]:
    """A run that has come to 7, in the hands of an owner with these names, one after the other."""
    job = Steps().define(bench.app, "def")
    capsule: Any = SimpleNamespace(fetcher=Names(*names), quieted=False)
    execution = Execution(UnitOfWork("1:default", "default", b"{}"), {"jid": "j1"}, job, capsule, [], {})
    kept = KeptCursors(bench.app.connections, bench.app.keys)
    run = Run(job, execution, {}, kept, every_s=0.0, grace_s=5.0)
    run.start()
    run.step(7)
    return run, kept


def test_an_owner_that_gets_another_name_meanwhile_is_still_the_owner(bench: Bench) -> None:
    bench.raw.zadd(bench.key("owners"), {"me~1": 1e15})
    bench.raw.hset(bench.key("inflight:me~1"), "1:default", "{}")
    run, kept = run_of(bench, "me", "me", "me~1")
    run.keep()
    assert state(bench, "j1")["c"] == "7"
    kept.stop(1.0)


def test_a_run_whose_job_is_gone_goes_on_elsewhere_or_comes_back_later(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "offsider.worker")
    run, kept = run_of(bench, "me")
    with pytest.raises(Interrupted, match="it is not ours any more"):
        run.keep()
    run.keep_last()
    assert "its cursor here is not kept" in caplog.text
    assert state(bench, "j1") == {}
    kept.stop(1.0)


def test_what_cannot_be_kept_at_the_end_is_told_with_how_much_will_be_repeated(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    run, kept = run_of(bench, "me")
    kept._connections = Connections("redis://127.0.0.1:1")
    run.step(8)
    run.keep_last()
    assert "job steps (j1): its last 2 steps will be repeated" in caplog.text
    kept.stop(1.0)
