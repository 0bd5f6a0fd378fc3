"""Jobs on threads: never more than allowed, in order, apart from each other, interrupted when asked."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from offsider.contract.work import Settlement
from offsider.errors import Shutdown
from offsider.worker.execution import Execution
from offsider.worker.threads import ThreadExecutor
from support.executions import executions
from support.waiting import until

colour: contextvars.ContextVar[str] = contextvars.ContextVar("colour", default="none")


def done(execution: Execution) -> Settlement:
    return Settlement(execution.unit, "done", 0.0, None)


class Settled:
    """What has ended, in order."""

    def __init__(self) -> None:
        self.jids: list[str] = []
        self.settlements: list[Settlement | None] = []

    def __call__(self, execution: Execution, settlement: Settlement | None) -> None:
        self.settlements.append(settlement)
        self.jids.append(execution.jid)


class Gate:
    """A body that stays inside until the test opens."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.entered: list[str] = []
        self.inside = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, execution: Execution) -> Settlement:
        with self._lock:
            self.entered.append(execution.jid)
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.open.wait(20)
        with self._lock:
            self.inside -= 1
        return done(execution)


@pytest.fixture
def settled() -> Settled:
    return Settled()


@pytest.fixture
def make(settled: Settled) -> Iterator[Callable[..., ThreadExecutor]]:
    """Executors, stopped at the end."""
    made: list[ThreadExecutor] = []

    def executor(size: int, run: Callable[[Execution], Any]) -> ThreadExecutor:
        made.append(ThreadExecutor("test", size, run=run, settled=settled))
        return made[-1]

    yield executor
    for one in made:
        one.stop()
        one.join(5)


Make = Callable[..., ThreadExecutor]


def test_never_more_run_at_once_than_there_are_slots_and_all_end(make: Make, settled: Settled) -> None:
    gate = Gate()
    executor = make(3, gate)
    all_of_them = executions(50)
    executor.submit(all_of_them[:25])
    executor.submit(all_of_them[25:])
    until(lambda: len(executor.running) == 3)
    assert len(executor.ready) == 47
    assert {one.jid for one in executor.running.values()} == {"0", "1", "2"}, "in the order in which they came"
    gate.open.set()
    until(lambda: len(settled.jids) == 50)
    assert gate.most == 3
    assert sorted(gate.entered, key=int) == [str(number) for number in range(50)]
    assert None not in settled.settlements
    until(lambda: not executor.running)


def test_threads_are_started_when_they_are_needed(make: Make, settled: Settled) -> None:
    executor = make(100, done)
    before = threading.active_count()
    for one in executions(20):
        executor.submit([one])
        until(lambda one=one: one.jid in settled.jids and not executor.running)  # type: ignore[misc]
    assert threading.active_count() - before <= 2, "one job at a time needs no hundred threads"


def test_jobs_for_one_thread_are_run_by_one_though_others_are_free(make: Make, settled: Settled) -> None:
    ran_by: list[str] = []

    def body(execution: Execution) -> Settlement:
        ran_by.append(threading.current_thread().name)
        return done(execution)

    executor = make(3, body)
    for count in (20, 40):
        executor.submit(executions(20), wake=1)
        until(lambda count=count: len(settled.jids) == count and not executor.running)  # type: ignore[misc]
    assert settled.jids == [str(number) for number in range(20)] * 2
    assert len(set(ran_by)) == 1


def test_a_jobs_thread_that_submits_takes_the_jobs_itself(make: Make, settled: Settled) -> None:
    ran_by: list[str] = []

    def body(execution: Execution) -> Settlement:
        ran_by.append(threading.current_thread().name)
        if execution.jid == "0":
            executor.submit(executions(20)[1:], wake=0)
        return done(execution)

    executor = make(3, body)
    executor.submit(executions(1))
    until(lambda: len(settled.jids) == 20)
    assert len(set(ran_by)) == 1


def test_who_takes_a_job_and_leaves_others_wakes_the_next(make: Make, settled: Settled) -> None:
    gate = Gate()
    executor = make(4, gate)
    for round_ in range(1, 20):  # the threads are parked when the next ones come
        executor.submit(executions(4))
        until(lambda: len(executor.running) == 4)
        gate.open.set()
        until(lambda round_=round_: len(settled.jids) == 4 * round_ and not executor.running)  # type: ignore[misc]
        gate.open.clear()


def test_what_has_not_begun_is_taken_back_in_order_and_never_runs(make: Make, settled: Settled) -> None:
    gate = Gate()
    executor = make(2, gate)
    executor.submit(executions(6))
    until(lambda: len(executor.running) == 2)
    assert [one.jid for one in executor.take_back()] == ["2", "3", "4", "5"]
    assert executor.take_back() == []
    assert len(executor.ready) == 0
    gate.open.set()
    until(lambda: len(settled.jids) == 2)
    assert sorted(gate.entered) == ["0", "1"]


def test_an_interruption_reaches_the_bodies_that_run_and_nobody_else(make: Make, settled: Settled) -> None:
    tick, stopped = threading.Event(), []

    def body(execution: Execution) -> Settlement | None:
        try:
            while execution.jid != "2":
                tick.wait(0.005)
        except Shutdown as signal:
            stopped.append((execution.jid, type(signal)))
            return None
        return done(execution)

    executor = make(2, body)
    executor.submit(executions(2))
    until(lambda: len(executor.running) == 2)
    executor.interrupt_all(Shutdown)
    until(lambda: len(settled.jids) == 2)
    assert sorted(stopped) == [("0", Shutdown), ("1", Shutdown)]
    executor.submit(executions(3)[2:])
    until(lambda: "2" in settled.jids)
    assert settled.settlements[2] is not None, "the thread lives on and runs the next one"
    executor.interrupt_all(Shutdown)  # nobody is inside: nothing to interrupt


def test_what_escapes_from_a_body_ends_its_job_and_not_the_thread(
    make: Make, settled: Settled, caplog: pytest.LogCaptureFixture
) -> None:
    def body(execution: Execution) -> Settlement:
        if execution.jid == "0":
            raise Shutdown
        return done(execution)

    make(1, body).submit(executions(2))
    until(lambda: len(settled.jids) == 2)
    assert settled.jids == ["0", "1"]
    assert [one is None for one in settled.settlements] == [True, False]
    assert "jobs.paint 0 was interrupted while it was being settled" in caplog.text


def test_what_a_body_leaves_in_context_variables_does_not_reach_the_next(make: Make, settled: Settled) -> None:
    seen: list[str] = []

    def body(execution: Execution) -> Settlement:
        seen.append(colour.get())
        colour.set(f"left by {execution.jid}")
        return done(execution)

    make(1, body).submit(executions(3))
    until(lambda: len(settled.jids) == 3)
    assert seen == ["none"] * 3


def test_stop_lets_what_is_queued_end_and_then_ends_the_threads(make: Make, settled: Settled) -> None:
    executor = make(2, done)
    before = set(threading.enumerate())
    executor.submit(executions(20))
    executor.stop()
    executor.stop()
    executor.join(10)
    assert len(settled.jids) == 20
    assert set(threading.enumerate()) <= before


def test_one_that_never_ran_is_stopped_without_a_word(make: Make) -> None:
    executor = make(5, done)
    executor.stop()
    executor.join(1)
    executor.interrupt_all(Shutdown)
    assert executor.take_back() == []
