"""Queue filters: what they hold together, what becomes of one that fails, and a worker under them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

import pytest

from offsider import App
from offsider.contract.edition import Edition
from offsider.contract.seams import Registry
from offsider.contract.work import QueueFilter
from offsider.worker.filters import HeldQueues
from offsider.worker.worker import Worker
from support.waiting import until

Start = Callable[..., Worker]


def held_by(*filters: QueueFilter) -> HeldQueues:
    registry: Registry[QueueFilter] = Registry("queue_filters")
    for number, one in enumerate(filters):
        registry.add(f"filter {number}", one, by=f"owner {number}")
    return HeldQueues(registry)


class Answers:
    """A filter that gives one answer after the other; an error is raised."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)

    def __call__(self, names: Sequence[str]) -> Collection[str]:
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        found: Collection[str] = answer
        return found


def test_a_queue_is_held_while_any_filter_holds_it() -> None:
    held = held_by(lambda _names: {"a", "x"}, lambda _names: ["b"], lambda names: tuple(names)[:0])
    assert held(["a", "b", "c"]) == {"a", "b"}
    assert held(["c"]) == frozenset()
    assert held_by()(["a"]) == frozenset()


def test_of_a_filter_that_fails_the_last_answer_holds_and_it_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    held = held_by(Answers({"a"}, ValueError("no"), ValueError("no"), {"b"}, ValueError("again")))
    assert [held(["a", "b"]) for _ in range(5)] == [{"a"}, {"a"}, {"a"}, {"b"}, {"b"}]
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert told == ["the queue filter 'filter 0' of owner 0 failed; its last answer holds"] * 2


def test_the_last_answer_of_one_capsule_is_not_that_of_another() -> None:
    held = held_by(Answers({"a"}, set(), ValueError("no"), ValueError("no")))
    assert [held(names) for names in (["a"], ["b"], ["a"], ["b"])] == [{"a"}, set(), {"a"}, set()]


@pytest.mark.parametrize("answer", ["mail", None, 7, {"mail": 1}], ids=repr)
def test_an_answer_is_a_collection_of_names_and_no_text(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    held = held_by(lambda _names: answer)(["mail", "m", "a"])
    assert held == ({"mail"} if isinstance(answer, dict) else set())
    assert bool(caplog.records) is not isinstance(answer, dict)


class Holding(Edition):
    """Holds what it is told to."""

    name = "holding"

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.asked = 0

    def install_worker(self, worker: Any) -> None:
        worker.queue_filters.add("holding", self.answer, by=self.name)

    def answer(self, _names: Sequence[str]) -> Collection[str]:
        self.asked += 1
        return self.held


@pytest.mark.alone
def test_without_a_filter_a_worker_asks_nobody(app: App) -> None:
    assert Worker(app).held_queues is None


def test_a_held_queue_is_noticed_again_without_a_word(make_app: Callable[..., App], start_worker: Start) -> None:
    edition = Holding()
    app, ran = make_app(editions=[edition]), threading.Event()

    @app.job(name="work", queue="mail")
    def work() -> None:
        ran.set()

    edition.held = {"mail"}
    start_worker(app, queues=["mail"])
    work.enqueue()
    until(lambda: edition.asked > 2)
    assert not ran.is_set()
    edition.held, before_s = set(), time.monotonic()
    assert ran.wait(10)
    assert time.monotonic() - before_s < 2


def test_while_all_is_held_a_worker_waits_and_does_not_spin(make_app: Callable[..., App], start_worker: Start) -> None:
    edition = Holding()
    app = make_app(editions=[edition])
    edition.held = {"mail"}
    start_worker(app, queues=["mail"])
    until(lambda: edition.asked >= 3)
    before_s = time.monotonic()
    until(lambda: edition.asked >= 5)
    assert time.monotonic() - before_s > 0.5, "an exchange and a wait a second"


def test_short_jobs_that_are_read_ahead_are_all_run_while_their_queue_is_held_and_freed(
    make_app: Callable[..., App], start_worker: Start, raw: Any
) -> None:
    edition = Holding()
    app, ran = make_app(editions=[edition]), list[int]()

    @app.job(name="work", queue="mail")
    def work(number: int) -> None:
        ran.append(number)

    work.enqueue_many([(number,) for number in range(3000)])
    worker = start_worker(app, queues=["mail", "other"], concurrency=4)
    for count in range(1, 6):
        until(lambda count=count: len(ran) >= min(count * 400, 3000))
        edition.held = {"mail"}
        worker.wake()
        edition.held = set()
        worker.wake()
    until(lambda: len(ran) >= 3000, 20)
    worker.stop()
    assert sorted(ran) == list(range(3000))
    assert raw.keys("*inflight*") == []
