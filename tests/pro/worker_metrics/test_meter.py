"""The meter: some runs of each class are measured, and what they have cost is theirs."""

from __future__ import annotations

import asyncio
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from offsider_pro.worker_metrics import meter as module
from offsider_pro.worker_metrics.meter import OTHER, UsageMeter
from offsider_pro.worker_metrics.usage import Usage


def execution(name: str = "shop.buy") -> Any:
    return SimpleNamespace(job=SimpleNamespace(name=name), queue="default")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause between measurements of different classes, and no rest."""
    monkeypatch.setattr(module, "LEAST_PAUSE_S", 0.0)
    monkeypatch.setattr(module, "MOST_RUNS", 100_000)


def meter(every_s: float = 0.0, busy: int = 1, **settings: Any) -> UsageMeter:
    return UsageMeter(lambda: busy, every_s=every_s, **settings)


def burn(seconds: float) -> None:
    until_s = time.thread_time() + seconds
    while time.thread_time() < until_s:
        pass


def test_a_run_is_measured_and_returns_what_its_body_returns() -> None:
    one = meter()
    kept: list[bytes] = []

    def body(_: Any) -> str:
        burn(0.01)
        kept.extend(bytes([n % 250]) * 100 for n in range(5000))
        return "done"

    assert one.call(execution(), body) == "done"
    usage = one.take()["shop.buy"]
    assert usage.runs == usage.alone == 1
    assert 10_000 <= usage.cpu_us <= usage.wall_us
    assert 4_500 < usage.blocks < 6_000
    assert usage.memory >= 0


def test_waiting_takes_time_and_no_processor() -> None:
    one = meter()

    async def body(_: Any) -> None:
        await asyncio.sleep(0.02)

    asyncio.run(one.acall(execution(), body))
    usage = one.take()["shop.buy"]
    assert usage.wall_us > 19_000
    assert usage.cpu_us < 10_000


def test_a_run_that_fails_is_measured_and_fails() -> None:
    one = meter()

    def body(_: Any) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        one.call(execution(), body)
    assert one.take()["shop.buy"].runs == 1


def test_of_a_busy_class_few_runs_are_measured_and_rare_ones_are_seen_too() -> None:
    one = meter(every_s=60.0)
    for _ in range(500):
        one.call(execution(), lambda _: None)
    one.call(execution("shop.rare"), lambda _: None)
    assert {name: usage.runs for name, usage in one.take().items()} == {"shop.buy": 1, "shop.rare": 1}


def test_between_two_measurements_of_any_class_there_is_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST_PAUSE_S", 60.0)
    one = meter()
    for name in ("shop.a", "shop.b", "shop.c"):
        one.call(execution(name), lambda _: None)
    assert [*one.take()] == ["shop.a"]


def test_memory_of_a_run_in_company_is_its_share() -> None:
    crowded = meter(busy=4)
    crowded.call(execution(), lambda _: None)
    usage = crowded.take()["shop.buy"]
    assert (usage.alone, usage.shared) == (0, 1)


def test_a_run_during_which_another_begins_was_not_alone() -> None:
    one = meter()
    inside = lambda _: one.call(execution("shop.other"), lambda _: None)  # noqa: E731
    one.call(execution(), inside)
    found = one.take()
    assert (found["shop.buy"].alone, found["shop.other"].alone) == (0, 1)


def test_a_run_that_takes_longer_than_from_one_wake_to_the_next_may_be_alone() -> None:
    one = meter()
    one.call(execution(), lambda _: (one.wake(), one.wake()))
    assert one.take()["shop.buy"].alone == 1
    one.call(execution(), lambda _: (one.wake(), one.call(execution("shop.other"), lambda _: None)))
    assert one.take()["shop.buy"].alone == 0


def test_many_threads_measure_at_once_and_lose_none() -> None:
    one = meter()

    def run() -> None:
        for _ in range(200):
            one.call(execution(), lambda _: None)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert one.take()["shop.buy"].runs == 800


def test_what_could_not_be_written_comes_with_the_next() -> None:
    one = meter()
    one.call(execution(), lambda _: None)
    left = one.take()
    one.call(execution(), lambda _: None)
    one.give_back(left)
    assert one.take()["shop.buy"].runs == 2
    assert one.take() == {}


def test_names_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_NAMES", 2)
    one = meter(every_s=0.0)
    for number in range(5):
        one.call(execution(f"shop.{number}"), lambda _: None)
    found = one.take()
    assert {name: usage.runs for name, usage in found.items()} == {"shop.0": 1, "shop.1": 1, OTHER: 3}


def test_where_many_jobs_run_it_rests_until_it_is_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_RUNS", 10)
    rested: list[bool] = []
    one = meter(on_rest=lambda: rested.append(True))
    for _ in range(10):
        one.call(execution(), lambda _: None)
    assert one.idle == bool(rested)
    one.call(execution(), lambda _: None)
    one.call(execution(), lambda _: None)
    assert rested == [True]
    assert one.idle
    assert one.wake()
    assert not one.idle
    assert not one.wake()


def test_a_run_during_which_the_meter_rested_was_not_surely_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_RUNS", 1)
    one = meter()
    one.call(execution(), lambda _: one.call(execution("shop.other"), lambda _: None))
    assert one.take()["shop.buy"].alone == 0


def test_each_measurement_is_told() -> None:
    told: list[tuple[str, str, Usage]] = []
    one = meter(told=lambda *given: told.append(given))
    one.call(execution(), lambda _: None)
    [(name, queue, usage)] = told
    assert (name, queue, usage.runs) == ("shop.buy", "default", 1)
