"""In which order queues are looked at: strictly, at random, or by weight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from offsider import App
from offsider.worker.order import QueueOrder, mode_of
from offsider.worker.worker import Worker
from support.waiting import until

DRAWS = 6000


def firsts(weights: dict[str, int], draws: int = DRAWS) -> dict[str, float]:
    """How often each queue was the one to look at first."""
    order = QueueOrder(weights, rng=Random(7))
    counts = Counter(order.next()[0] for _ in range(draws))
    return {name: counts[name] / draws for name in weights}


@pytest.mark.parametrize(
    ("weights", "mode"),
    [
        ({"a": 0, "b": 0}, "strict"),
        ({"a": 0}, "strict"),
        ({"a": 1, "b": 1}, "random"),
        ({"a": 3, "b": 1}, "weighted"),
        ({"a": 2, "b": 2}, "weighted"),
        ({"a": 3, "b": 0}, "weighted"),
    ],
)
def test_the_weights_say_which_mode_it_is(weights: dict[str, int], mode: str) -> None:
    assert mode_of(weights) == QueueOrder(weights).mode == mode


def test_strict_is_the_order_as_written_every_time() -> None:
    order = QueueOrder({"b": 0, "a": 0, "c": 0})
    assert [order.next() for _ in range(20)] == [["b", "a", "c"]] * 20


def test_random_looks_at_each_queue_first_equally_often() -> None:
    assert firsts({"a": 1, "b": 1}) == {"a": pytest.approx(0.5, abs=0.03), "b": pytest.approx(0.5, abs=0.03)}


def test_a_weight_is_the_chance_to_be_looked_at_first() -> None:
    assert firsts({"a": 3, "b": 1}) == {"a": pytest.approx(0.75, abs=0.03), "b": pytest.approx(0.25, abs=0.03)}


def test_a_queue_without_a_weight_among_others_has_one_chance() -> None:
    assert firsts({"a": 4, "b": 0})["b"] == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize("weights", [{"a": 1, "b": 1, "c": 1}, {"a": 5, "b": 2, "c": 1}, {"only": 7}])
def test_every_fetch_looks_at_every_queue_once(weights: dict[str, int]) -> None:
    order = QueueOrder(weights, rng=Random(7))
    for _ in range(100):
        assert sorted(order.next()) == sorted(weights)


def test_a_strict_worker_runs_the_higher_queue_first_and_a_weighted_one_both(
    make_app: Callable[..., App], start_worker: Callable[..., Worker]
) -> None:
    app = make_app()
    ran: list[str] = []

    @app.job(name="note")
    def note(queue: str) -> None:
        ran.append(queue)

    def fill() -> None:
        ran.clear()
        for queue in ("low", "high"):
            note.using(queue=queue).enqueue_many([(queue,)] * 200)

    fill()
    strict = start_worker(app, queues=["high", "low"], concurrency=1)
    until(lambda: len(ran) == 400, 20)
    strict.stop(1)
    assert ran == ["high"] * 200 + ["low"] * 200
    fill()
    start_worker(app, queues=["high:3", "low:1"], concurrency=1)
    until(lambda: len(ran) == 400, 20)
    assert "low" in ran[:200], "a lower weight is no starvation"
