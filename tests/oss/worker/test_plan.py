"""Which capsules a worker has: the command line over the settings."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from offsider.config.model import WorkerSettings
from offsider.errors import InvalidName, InvalidSetting
from offsider.worker.plan import CapsulePlan, plan_capsules
from offsider.worker.worker import Worker
from support.gauge import Gauge
from support.waiting import until


def settings(**values: Any) -> WorkerSettings:
    return WorkerSettings.model_validate(values)


def test_without_settings_there_is_one_capsule_for_one_queue() -> None:
    assert plan_capsules(settings()) == [CapsulePlan("default", {"default": 0}, 10)]


def test_each_capsule_of_the_settings_has_its_queues_and_concurrency() -> None:
    plans = plan_capsules(
        settings(
            queues=["high:3", "low:1"],
            concurrency=4,
            capsules={"slow": {"queues": ["reports"]}, "one": {"queues": ["a", "b"], "concurrency": 2}},
        )
    )
    assert plans == [
        CapsulePlan("default", {"high": 3, "low": 1}, 4),
        CapsulePlan("slow", {"reports": 0}, 1),
        CapsulePlan("one", {"a": 0, "b": 0}, 2),
    ]


def test_the_command_line_is_over_the_settings_of_the_default_capsule_only() -> None:
    given = settings(queues=["a"], concurrency=4, capsules={"slow": {"queues": ["reports"], "concurrency": 2}})
    default, slow = plan_capsules(given, queues=["b:2", "c:1"], concurrency=7)
    assert default == CapsulePlan("default", {"b": 2, "c": 1}, 7)
    assert slow == CapsulePlan("slow", {"reports": 0}, 2)


def test_the_order_of_the_queues_is_kept() -> None:
    (plan,) = plan_capsules(settings(), queues=["z", "a", "m"])
    assert list(plan.weights) == ["z", "a", "m"]


@pytest.mark.parametrize(
    ("queues", "error", "words"),
    [
        (["bad name"], InvalidName, "'bad name' is no queue"),
        ([""], InvalidName, "no queue"),
        (["high:0"], InvalidSetting, "weight 0: expected 1 to 1000"),
        (["high:1001"], InvalidSetting, "weight 1001"),
        (["high:-1"], InvalidSetting, "weight -1"),
        (["high:+-1"], (InvalidName, InvalidSetting), "high"),
        (["high:²"], (InvalidName, InvalidSetting), "high"),
        (["a", "a:2"], InvalidSetting, "'a' is given twice"),
        ([], InvalidSetting, "no queue is given"),
    ],
)
def test_a_queue_that_cannot_be_is_told_with_its_value(queues: list[str], error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        plan_capsules(settings(), queues=queues)


def test_a_plan_reads_like_a_line_of_the_log() -> None:
    assert str(CapsulePlan("default", {"high": 3, "low": 1}, 4)) == "default (4 at once): high:3, low:1"
    assert str(CapsulePlan("one", {"a": 0, "b": 0}, 1)) == "one (1 at once): a, b"


def test_capsules_have_queues_and_concurrency_of_their_own(
    make_app: Callable[..., App], start_worker: Callable[..., Worker]
) -> None:
    app = make_app(worker={"concurrency": 2, "capsules": {"one": {"queues": ["single"], "concurrency": 1}}})
    usual, single, gate = Gauge(), Gauge(), threading.Event()

    def body(kind: str) -> None:
        with single if kind == "single" else usual:
            gate.wait(10)

    usual_job, single_job = app.job(name="usual")(body), app.job(name="single", queue="single")(_again(body))
    start_worker(app)
    for _ in range(3):
        usual_job.enqueue("usual")
        single_job.enqueue("single")
    until(lambda: (usual.now, single.now) == (2, 1))
    gate.set()
    until(lambda: (usual.left, single.left) == (3, 3))
    assert (usual.most, single.most) == (2, 1)


def _again(body: Callable[[str], None]) -> Callable[[str], None]:
    def single(kind: str) -> None:
        body(kind)

    return single


def test_two_capsules_may_share_a_queue_and_run_each_job_once(
    make_app: Callable[..., App], start_worker: Callable[..., Worker], raw: Any
) -> None:
    app = make_app(worker={"concurrency": 2, "capsules": {"more": {"queues": ["default"], "concurrency": 2}}})
    ran: list[int] = []

    @app.job(name="note")
    def note(number: int) -> None:
        ran.append(number)

    note.enqueue_many([(number,) for number in range(1000)])
    worker = start_worker(app)
    until(lambda: len(ran) > 100)
    worker.stop(5)
    left = [json.loads(one)["args"][0] for one in raw.lrange("{offsider}:queue:default", 0, -1)]
    assert sorted(ran + left) == list(range(1000))
