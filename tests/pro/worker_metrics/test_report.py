"""What jobs cost, in Redis: by hour, summed over workers, averaged for whoever asks; through a real worker."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App, clock
from offsider.api.fsck import fsck
from offsider.errors import EditionError, InvalidOption
from offsider.worker.worker import Worker
from offsider_pro.worker_metrics import meter as meters
from offsider_pro.worker_metrics.meter import UsageMeter
from offsider_pro.worker_metrics.report import KEPT_S, JobCost, WorkerMetrics, cost_of
from offsider_pro.worker_metrics.usage import Usage
from support.bench import Bench
from support.waiting import until

Make = Callable[..., App]


def meter(**usages: Usage) -> UsageMeter:
    one = UsageMeter(lambda: 1, every_s=1.0)
    one.give_back({name.replace("_", "."): usage for name, usage in usages.items()})
    return one


def test_what_workers_have_measured_is_summed_and_averaged(pro: App, raw: Any) -> None:
    metrics = WorkerMetrics(pro)
    buy = Usage(runs=10, wall_us=100_000, cpu_us=20_000, alone=10, memory=40_960, blocks=-50)
    metrics.write(meter(shop_buy=buy, shop_mail=Usage(runs=1, wall_us=10, cpu_us=5, alone=1)))
    metrics.write(meter(shop_buy=buy))
    first, second = metrics.jobs()
    assert first == JobCost("shop.buy", 20, 10.0, 2.0, 4096.0, -5.0, exact=True)
    assert first.cpu_share == 0.2
    assert first.to_dict()["cpu_share"] == 0.2
    assert second.name == "shop.mail"
    [key] = raw.keys("{offsider}:usage:*")
    assert KEPT_S - 10 < raw.ttl(key) <= KEPT_S


def test_only_the_hours_that_are_asked_for_count(pro: App, step: Callable[[float], None]) -> None:
    metrics = WorkerMetrics(pro)
    step(-5 * 3600)
    metrics.write(meter(shop_old=Usage(runs=1, cpu_us=1)))
    step(0)
    metrics.write(meter(shop_new=Usage(runs=1)))
    assert [one.name for one in metrics.jobs(hours=2)] == ["shop.new"]
    assert [one.name for one in metrics.jobs(hours=7)] == ["shop.old", "shop.new"]


@pytest.mark.parametrize("hours", [0, 73, 1.5, True])
def test_other_hours_are_refused(pro: App, hours: Any) -> None:
    with pytest.raises(InvalidOption, match="expected a whole number from 1 to 72"):
        WorkerMetrics(pro).jobs(hours=hours)


def test_many_names_are_written_in_several_trips(pro: App) -> None:
    one = UsageMeter(lambda: 1, every_s=1.0)
    one.give_back({f"shop.{number}": Usage(runs=1, cpu_us=number) for number in range(250)})
    WorkerMetrics(pro).write(one)
    assert len(WorkerMetrics(pro).jobs()) == 250


def test_what_cannot_be_written_now_is_kept(make_pro: Make) -> None:
    away = make_pro("redis://127.0.0.1:1/0")
    one = meter(shop_buy=Usage(runs=3))
    WorkerMetrics(away).write(one)
    assert one.take()["shop.buy"].runs == 3


def test_garbage_in_the_hash_is_left_out(pro: App, raw: Any) -> None:
    metrics = WorkerMetrics(pro)
    metrics.write(meter(shop_buy=Usage(runs=1)))
    key = f"{{offsider}}:usage:{int(clock.now_s()) // 3600}"
    raw.hset(key, mapping={"nonsense": "1", "runs|shop.x": "many", "feet|shop.y": "1", b"\xff|\xfe": "1"})
    assert [one.name for one in metrics.jobs()] == ["shop.buy"]


def test_few_runs_alone_among_many_in_company_are_told_as_shares() -> None:
    few = Usage(runs=100, alone=2, memory=0, shared=98, shared_memory=98_000, shared_blocks=980)
    cost = cost_of("shop.buy", few)
    assert not cost.exact
    assert cost.growth_bytes == 980.0
    assert cost_of("shop.buy", Usage(runs=2, alone=2, memory=8)).exact
    assert cost_of("shop.buy", Usage(runs=1)).cpu_share == 0.0


@pytest.mark.alone
def test_without_the_edition_it_says_so(app: App) -> None:
    with pytest.raises(EditionError):
        WorkerMetrics(app)


# -- a real worker -------------------------------------------------------------------------------------------------


class Client:
    """A statsd client that notes names."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def increment(self, metric: str, value: float = 1, tags: Any = None) -> None:
        self.names.add(metric)

    timing = gauge = increment


def test_a_leak_is_found_in_the_class_that_leaks(
    make_pro: Make, start_worker: Callable[..., Worker], raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meters, "LEAST_PAUSE_S", 0.0)
    monkeypatch.setattr(meters, "MOST_RUNS", 1000)  # it sees all of them, however fast they are
    client = Client()
    app = make_pro(edition={"statsd": client}, pro={"costs_every_s": 1e-9})
    leaked: list[list[int]] = []

    @app.job(name="leaks")
    def leaks(number: int) -> None:
        leaked.append([number + n + 1000 for n in range(2000)])

    @app.job(name="is_fine")
    async def is_fine(number: int) -> None: ...

    for number in range(20):
        leaks.enqueue(number)
        is_fine.enqueue(number)
    gc.collect()  # what other tests have left is not to be freed in a run
    start_worker(app, concurrency=1)
    until(lambda: sum(one.measured for one in WorkerMetrics(app).jobs()) == 40, 20)
    costs = {one.name: one for one in WorkerMetrics(app).jobs()}
    assert costs["leaks"].exact
    assert costs["leaks"].blocks > 1500
    assert abs(costs["is_fine"].blocks) < 500
    assert {"sidekiq.jobs.cpu", "sidekiq.jobs.memory_growth", "sidekiq.jobs.objects_left"} <= client.names
    assert fsck(app).found == ()


def test_switched_off_nothing_stands_around_the_jobs(make_pro: Make, raw: Any, start_worker: Any) -> None:
    app = make_pro(pro={"costs": False})

    @app.job(name="note")
    def note(number: int) -> None: ...

    note.enqueue(1)
    bench = Bench(app, raw, start_worker)
    bench.run(concurrency=1).stop()
    assert raw.keys("{offsider}:usage:*") == []
