"""What ``top`` shows: rates over half a minute, everything that there is, as wide and as high as the terminal."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from offsider import App, Context, clock
from offsider.cli.monitor import MOST_REQUESTS_A_SECOND, Monitor, line, screen
from offsider.cli.table import width
from offsider.worker.worker import Worker
from support.waiting import until


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the monotonic clock."""
    at = [100.0]
    monkeypatch.setattr(clock, "monotonic_s", lambda: at[0])

    def move(seconds: float) -> None:
        at[0] += seconds

    return move


def test_rates_are_those_of_the_last_half_minute(app: App, raw: Any, now: Callable[[float], None]) -> None:
    monitor = Monitor(app)
    raw.mset({"{offsider}:stat:processed": 1000, "{offsider}:stat:failed": 10})
    assert monitor.look().processed_s is None
    for _ in range(10):
        now(10.0)
        raw.incrby("{offsider}:stat:processed", 50)
        raw.incrby("{offsider}:stat:failed", 5)
        sample = monitor.look()
        assert (sample.processed_s, sample.failed_s) == (5.0, 0.5)
    for _ in range(4):
        now(10.0)
        sample = monitor.look()
    assert sample.processed_s == 0.0, "what was long ago is forgotten"


def test_totals_that_were_set_back_begin_anew(app: App, raw: Any, now: Callable[[float], None]) -> None:
    monitor = Monitor(app)
    raw.set("{offsider}:stat:processed", 1000)
    monitor.look()
    app.stats.reset()
    now(10.0)
    assert monitor.look().processed_s is None


def test_with_many_processes_it_looks_less_often(app: App, raw: Any) -> None:
    monitor = Monitor(app)
    assert monitor.pause_s(monitor.look(), 2.0) == 2.0
    for number in range(50):
        raw.sadd("{offsider}:processes", f"vm:{number}:000000000000")
        raw.hset(f"{{offsider}}:vm:{number}:000000000000", mapping={"info": "{}", "busy": 0})
    raw.config_resetstat()
    pause_s = monitor.pause_s(monitor.look(), 2.0)
    asked = sum(one["calls"] for name, one in raw.info("commandstats").items() if name != "cmdstat_config|resetstat")
    assert asked / pause_s <= 2 * MOST_REQUESTS_A_SECOND + 3


@pytest.fixture
def busy(app: App, start_worker: Callable[..., Worker]) -> Iterator[App]:
    """An app with a job that runs, others that wait, and long queues' names."""
    gate = threading.Event()

    @app.job(name="slow", queue="mail")
    def slow(ctx: Context) -> None:
        ctx.progress(3, 10, "sending")
        gate.wait(20)

    start_worker(app, queues=["mail"], concurrency=1)
    slow.enqueue_many([()] * 3)
    for number in range(30):
        slow.using(queue=f"a-queue-with-a-long-name-{number:02d}").enqueue()
    until(lambda: any(one.progress for one in app.running))
    yield app
    gate.set()


def test_everything_is_on_the_screen(busy: App) -> None:
    sample = Monitor(busy).look()
    text = "\n".join(screen(sample))
    for part in ("# queues (31)", "# processes (1)", "# running (1)", "3/10 sending", "busy 1/1", "waiting 32"):
        assert part in text
    assert "waiting 32" in line(sample)
    assert json.loads(json.dumps(sample.to_dict()))["running"][0]["name"] == "slow"


@pytest.mark.parametrize(("wide", "high"), [(80, 24), (40, 12), (20, 40)])
def test_it_fits_the_terminal(busy: App, wide: int, high: int) -> None:
    lines = screen(Monitor(busy).look(), width=wide, height=high)
    assert max(map(width, lines)) <= wide
    assert len(lines) <= max(high, 15)
    assert sum(one.startswith("# ") for one in lines) == 4
