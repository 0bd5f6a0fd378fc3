"""Jobs on the event loop: one loop, never more tasks than allowed, in order, cancelled when asked."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from offsider.contract.work import Settlement
from offsider.worker.execution import Execution
from offsider.worker.tasks import LoopThread, TaskExecutor
from support.executions import executions
from support.waiting import until

colour: contextvars.ContextVar[str] = contextvars.ContextVar("colour", default="none")


@pytest.fixture
def loop_thread() -> Iterator[LoopThread]:
    """A loop that starts with its first use."""
    one = LoopThread()
    yield one
    one.stop()


class Settled:
    """What has ended, in order."""

    def __init__(self) -> None:
        self.jids: list[str] = []
        self.settlements: list[Settlement | None] = []

    def __call__(self, execution: Execution, settlement: Settlement | None) -> None:
        self.settlements.append(settlement)
        self.jids.append(execution.jid)


@pytest.fixture
def settled() -> Settled:
    return Settled()


@pytest.fixture
def make(loop_thread: LoopThread, settled: Settled) -> Callable[..., TaskExecutor]:
    """Executors on the loop."""

    def executor(size: int, run: Callable[[Execution], Awaitable[Any]]) -> TaskExecutor:
        return TaskExecutor(loop_thread, size, run=run, settled=settled)

    return executor


Make = Callable[..., TaskExecutor]


class Gate:
    """A body that stays inside until the test opens."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.entered: list[str] = []
        self.cancelled: list[str] = []
        self.inside = self.most = 0

    async def __call__(self, execution: Execution) -> Settlement | None:
        self.entered.append(execution.jid)
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            while not self.open.is_set():  # noqa: ASYNC110 - the test opens it from another thread
                await asyncio.sleep(0.002)
        except asyncio.CancelledError:
            self.cancelled.append(execution.jid)
            return None
        finally:
            self.inside -= 1
        return Settlement(execution.unit, "done", 0.0, None)


# -- the loop ------------------------------------------------------------------------------------------------------


def test_a_loop_is_started_once_and_runs_in_a_thread_of_its_own(loop_thread: LoopThread) -> None:
    assert loop_thread.loop is None
    assert loop_thread.thread_id is None
    loop = loop_thread.start()
    assert loop_thread.start() is loop is loop_thread.loop

    async def where() -> int:
        return threading.get_ident()

    assert asyncio.run_coroutine_threadsafe(where(), loop).result(10) == loop_thread.thread_id
    assert loop_thread.thread_id != threading.get_ident()


def test_many_threads_that_start_it_at_once_get_one_loop(loop_thread: LoopThread) -> None:
    together, loops = threading.Barrier(8), []

    def begin() -> None:
        together.wait(10)
        loops.append(loop_thread.start())

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(loops) == 8
    assert len(set(map(id, loops))) == 1
    assert sum(thread.name == "offsider-loop" and thread.is_alive() for thread in threading.enumerate()) == 1


def test_a_loop_is_stopped_twice_and_also_when_it_never_started() -> None:
    loop_thread = LoopThread()
    loop_thread.stop()
    loop = loop_thread.start()
    ident = loop_thread.thread_id
    loop_thread.stop()
    loop_thread.stop()
    assert loop.is_closed()
    assert loop_thread.loop is None
    assert not [one for one in threading.enumerate() if one.ident == ident]


# -- the executor --------------------------------------------------------------------------------------------------


def test_never_more_run_at_once_than_there_are_slots_and_all_end_in_order(make: Make, settled: Settled) -> None:
    gate = Gate()
    executor = make(3, gate)
    all_of_them = executions(50)
    executor.submit(all_of_them[:25])
    executor.submit(all_of_them[25:])
    until(lambda: len(executor.running) == 3)
    assert len(executor.ready) == 47
    assert gate.entered == ["0", "1", "2"]
    gate.open.set()
    until(lambda: len(settled.jids) == 50)
    assert gate.most == 3
    assert gate.entered == [str(number) for number in range(50)]
    assert None not in settled.settlements
    assert not executor.running


def test_a_slot_that_is_free_is_used_at_once(make: Make, settled: Settled) -> None:
    gate = Gate()
    executor = make(2, gate)
    executor.submit(executions(1))
    until(lambda: gate.entered == ["0"])
    executor.submit(executions(2)[1:])
    until(lambda: gate.entered == ["0", "1"])
    gate.open.set()
    until(lambda: len(settled.jids) == 2)


def test_what_has_not_begun_is_taken_back_in_order_and_never_runs(make: Make, settled: Settled) -> None:
    gate = Gate()
    executor = make(2, gate)
    executor.submit(executions(6))
    until(lambda: len(executor.running) == 2)
    assert [one.jid for one in executor.take_back()] == ["2", "3", "4", "5"]
    assert executor.take_back() == []
    gate.open.set()
    until(lambda: len(settled.jids) == 2)
    assert gate.entered == ["0", "1"]


def test_cancellation_reaches_every_body_that_runs(make: Make, settled: Settled) -> None:
    gate = Gate()
    executor = make(2, gate)
    executor.submit(executions(2))
    until(lambda: len(executor.running) == 2)
    executor.cancel_all()
    until(lambda: len(settled.jids) == 2)
    assert sorted(gate.cancelled) == ["0", "1"]
    assert settled.settlements == [None, None]
    gate.open.set()
    executor.submit(executions(3)[2:])
    until(lambda: "2" in settled.jids)
    assert settled.settlements[2] is not None, "what comes later runs"


def test_cancellation_without_a_loop_is_nothing(make: Make, loop_thread: LoopThread) -> None:
    make(2, Gate()).cancel_all()
    assert loop_thread.loop is None


def test_an_execution_knows_the_task_that_runs_it(make: Make, settled: Settled) -> None:
    gate = Gate()
    executor = make(1, gate)
    (one,) = executions(1)
    executor.submit([one])
    until(lambda: executor.running)
    assert executor.running[one] is one.stopper
    assert one.jid in one.stopper.get_name()
    gate.open.set()
    until(lambda: settled.jids == ["0"])


def test_what_escapes_from_a_body_ends_its_job_and_frees_its_slot(make: Make, settled: Settled) -> None:
    async def body(execution: Execution) -> Settlement:
        if execution.jid == "0":
            raise asyncio.CancelledError
        return Settlement(execution.unit, "done", 0.0, None)

    make(1, body).submit(executions(2))
    until(lambda: len(settled.jids) == 2)
    assert [one is None for one in settled.settlements] == [True, False]


def test_what_a_body_leaves_in_context_variables_does_not_reach_the_next(make: Make, settled: Settled) -> None:
    seen: list[str] = []

    async def body(execution: Execution) -> Settlement:
        seen.append(colour.get())
        colour.set(f"left by {execution.jid}")
        await asyncio.sleep(0)
        return Settlement(execution.unit, "done", 0.0, None)

    make(1, body).submit(executions(4))
    until(lambda: len(settled.jids) == 4)
    assert seen == ["none"] * 4
