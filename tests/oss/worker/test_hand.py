"""What is in hand: both kinds under one number, in order, and given back when it has not begun."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from offsider.contract.work import UnitOfWork
from offsider.worker.execution import Execution
from offsider.worker.hand import Hand
from offsider.worker.processor import Processor
from support.bench import Bench, payload

SIZE = 3


class Executor:
    """Takes what it is given and begins nothing by itself."""

    def __init__(self) -> None:
        self.ready: list[Execution] = []
        self.running: list[Execution] = []

    def submit(self, executions: list[Execution], *, wake: int | None = None) -> None:
        """Queue."""
        self.ready += executions

    def take_back(self) -> list[Execution]:
        """Everything that has not begun."""
        taken = self.ready.copy()
        self.ready.clear()
        return taken

    def begin(self) -> None:
        """Run as many as it may."""
        while self.ready and len(self.running) < SIZE:
            self.running.append(self.ready.pop(0))


class Table:
    """A hand between two executors."""

    def __init__(self) -> None:
        self.threads, self.tasks = Executor(), Executor()
        threads: Any = self.threads
        tasks: Any = self.tasks
        self.hand = Hand(SIZE, threads, tasks)

    def take(self, kinds: str) -> None:
        """Jobs of these kinds: ``d`` for def, ``a`` for async def."""
        self.hand.take([made(kind, number) for number, kind in enumerate(kinds)])
        self.begin()

    def begin(self) -> None:
        """Both executors begin what they may."""
        self.threads.begin()
        self.tasks.begin()

    def end(self, kind: str) -> None:
        """The oldest running one of a kind ends."""
        executor = self.threads if kind == "d" else self.tasks
        self.hand.drop([executor.running.pop(0)])
        self.hand.fill()
        self.begin()

    @property
    def running(self) -> tuple[int, int]:
        """How many of each kind run."""
        return len(self.threads.running), len(self.tasks.running)


def made(kind: str, number: int) -> Execution:
    job: Any = SimpleNamespace(name=kind, is_async=kind == "a")
    nobody: Any = None
    return Execution(UnitOfWork(f"{number}:{kind}", "q", b""), {"jid": f"{kind}{number}"}, job, nobody, [], {})


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.mark.parametrize("kind", ["d", "a"])
def test_jobs_of_one_kind_are_all_given_to_their_executor(table: Table, kind: str) -> None:
    table.take(kind * 10)
    assert sum(table.running) == SIZE
    assert (table.hand.waiting, len(table.hand), table.hand.is_mixed, table.hand.holds_back) == (7, 10, False, False)


@pytest.mark.parametrize("kinds", ["dadada", "aaaddd", "dddaaa", "addaad"])
def test_of_both_kinds_together_no_more_run_than_of_one(table: Table, kinds: str) -> None:
    table.take(kinds)
    while sum(table.running):
        assert sum(table.running) <= SIZE
        table.end("d" if table.threads.running else "a")
    assert len(table.hand) == 0


def test_a_job_of_the_other_kind_waits_until_the_surplus_has_ended(table: Table) -> None:
    table.take("d" * 6)
    table.take("a")
    assert (table.running, table.hand.holds_back) == ((3, 0), True)
    for _ in range(3):
        table.end("d")
    assert table.running == (3, 0), "six were submitted, three of them still hold the slots"
    table.end("d")
    assert table.running == (2, 1)
    assert not table.hand.holds_back


def test_free_slots_are_used_by_either_kind(table: Table) -> None:
    table.take("d")
    table.take("a")
    assert table.running == (1, 1)
    table.take("d")
    assert table.running == (2, 1)


def test_when_one_kind_is_left_all_of_it_is_given(table: Table) -> None:
    table.take("addddddd")
    assert table.running == (2, 1)
    table.end("a")
    assert (table.running, table.hand.waiting, table.hand.holds_back) == ((3, 0), 4, False)


def test_those_that_wait_begin_in_their_order(table: Table) -> None:
    table.take("adadad")
    assert [one.jid for one in (*table.threads.running, *table.tasks.running)] == ["d1", "a0", "a2"]
    table.end("d")
    assert [one.jid for one in table.threads.running] == ["d3"]
    table.end("a")
    assert [one.jid for one in table.tasks.running] == ["a2", "a4"]


def test_what_has_not_begun_is_taken_back_and_what_runs_stays(table: Table) -> None:
    table.take("dadada")
    taken = table.hand.take_back()
    assert [one.jid for one in taken] == ["a3", "d4", "a5"]
    assert (len(table.hand), table.hand.holds_back) == (3, False)
    assert {one.jid for one in table.hand} == {"d0", "a1", "d2"}
    assert table.hand.take_back() == []


def test_what_is_not_in_hand_is_dropped_without_harm(table: Table) -> None:
    table.take("da")
    stranger = made("a", 9)
    table.hand.drop([stranger])
    assert (len(table.hand), table.hand.is_mixed) == (2, True)


# -- when the system has nothing to give ---------------------------------------------------------------------------


def test_jobs_of_one_thread_are_spread_over_all(table: Table) -> None:
    wakes: list[int | None] = []
    table.threads.submit = lambda _executions, wake=None: wakes.append(wake)  # type: ignore[method-assign]
    table.hand.take([made("d", 1)], wake=1)
    table.hand.spread()
    assert wakes == [1, None]


def test_executors_are_urged_without_a_new_job_and_say_when_there_is_still_no_thread(table: Table) -> None:
    def none_left(_executions: list[Execution]) -> None:
        raise RuntimeError("can't start new thread")

    table.hand.urge()
    table.threads.submit = none_left  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="can't start new thread"):
        table.hand.urge()


def test_jobs_run_when_there_are_threads_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []
    refused: list[str] = []
    start = threading.Thread.start

    def start_seldom(thread: threading.Thread) -> None:
        if thread.name.startswith("offsider-default-") and len(refused) < 3:
            refused.append(thread.name)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_seldom)

    @bench.app.job(name="job")
    def job(number: int) -> None:
        ran.append(number)

    bench.run(payload("job", 1), payload("job", 2), timeout_s=5)
    assert (sorted(ran), len(refused)) == ([1, 2], 3)


def test_a_lack_of_memory_while_jobs_are_handed_out_loses_none(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []
    failures = [MemoryError(), MemoryError()]
    prepare = Processor.prepare

    def prepare_seldom(self: Processor, unit: Any, capsule: Any) -> Any:
        if ran and failures:
            raise failures.pop()
        return prepare(self, unit, capsule)

    @bench.app.job(name="job")
    def job(number: int) -> None:
        ran.append(number)

    monkeypatch.setattr(Processor, "prepare", prepare_seldom)
    job.enqueue_many([(number,) for number in range(50)])
    bench.run(concurrency=1)
    assert (ran, failures) == (list(range(50)), [])
