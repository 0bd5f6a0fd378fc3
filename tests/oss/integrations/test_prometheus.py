"""What Prometheus reads: parsed by its own parser."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("prometheus_client")

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from offsider import App, Retry
from offsider.contract.measures import Tally, Window
from offsider.integrations import prometheus
from offsider.integrations.prometheus import collector, exposition
from offsider.metrics.sink import RedisSink
from offsider.testing.proxy import Proxy
from offsider.worker.worker import Worker
from support.waiting import until

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(app: App) -> Samples:
    """Every sample, by name and labels."""
    body, content_type = exposition(app)
    assert content_type.startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[f"offsider_{name}", tuple(sorted(labels.items()))]


def test_sizes_latencies_and_processes(
    make_app: Callable[..., App], start_worker: Callable[..., Worker], raw: Any
) -> None:
    app = make_app(worker={"concurrency": 4})
    running, gate = threading.Event(), threading.Event()

    @app.job(name="hold")
    def hold() -> None:
        running.set()
        gate.wait(10)

    @app.job(name="other", queue="mail")
    def other() -> None:
        """Waits for ever."""

    other.enqueue_many([()] * 3)
    other.using(delay=3600).enqueue()
    raw.zadd(app.keys.retry, {"a": 1e10, "b": 2e10})
    hold.enqueue()
    start_worker(app, queues=["default"])
    assert running.wait(10)
    until(lambda: value(read(app), "busy_jobs") == 1, what="the next heartbeat tells of it")
    samples = read(app)
    gate.set()
    assert value(samples, "up") == 1
    assert value(samples, "queue_jobs", queue="mail") == 3
    assert 0 <= value(samples, "queue_latency_seconds", queue="mail") < 60
    assert (value(samples, "scheduled_jobs"), value(samples, "retry_jobs"), value(samples, "dead_jobs")) == (1, 2, 0)
    assert (value(samples, "processes"), value(samples, "concurrency")) == (1, 4)
    assert value(samples, "resident_memory_bytes") > 1e6
    assert value(samples, "quiet_processes") == 0


def test_counters_and_histograms_of_each_job(app: App, start_worker: Callable[..., Worker]) -> None:
    @app.job(name="good", queue="mail")
    def good() -> None:
        """Ends well."""

    @app.job(name="bad", retry=Retry(max=1, delay=3600))
    def bad() -> None:
        raise ValueError("no")

    good.enqueue_many([()] * 5)
    bad.enqueue()
    start_worker(app, queues=["mail", "default"])
    until(lambda: read(app)["offsider_jobs_processed_total", ()] == 6)
    samples = read(app)
    assert value(samples, "jobs_failed_total") == 1
    assert value(samples, "job_processed_total", job="good") == 5
    assert value(samples, "job_failed_total", job="bad") == 1
    assert value(samples, "job_duration_seconds_count", job="good") == 5
    assert value(samples, "job_duration_seconds_bucket", job="good", le="+Inf") == 5
    assert value(samples, "job_wait_seconds_count", job="good") == 5
    assert 0 <= value(samples, "job_duration_seconds_sum", job="good") < 5
    bounds = [
        (float(dict(labels)["le"]), count)
        for (name, labels), count in samples.items()
        if name == "offsider_job_wait_seconds_bucket" and dict(labels)["job"] == "good"
    ]
    assert len(bounds) == 26
    assert [count for _bound, count in sorted(bounds)] == sorted(count for _bound, count in bounds), "cumulated"


def test_labels_are_bounded(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "MOST_JOBS", 2)
    sink = RedisSink(app.connections, app.keys, "host:1:ab")
    sink.write([Window(29_000_000, {f"job{number}": Tally(number + 1) for number in range(5)})])
    sink.close()
    jobs = [dict(labels)["job"] for name, labels in read(app) if name == "offsider_job_processed_total"]
    assert sorted(jobs) == ["job3", "job4"], "those with the most"


def test_it_is_a_collector_for_any_registry(app: App) -> None:
    registry = CollectorRegistry()
    registry.register(collector(app))
    assert b"# TYPE offsider_jobs_processed_total counter" in generate_latest(registry)
    assert exposition(app, "application/openmetrics-text; version=1.0.0")[1].startswith("application/openmetrics-text")


def test_without_redis_it_says_that_it_is_down(
    make_app: Callable[..., App], redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    proxy = Proxy(redis_url)
    app = make_app(proxy.url)
    proxy.cut()
    with caplog.at_level(logging.WARNING, "offsider"):
        assert read(app) == {("offsider_up", ()): 0.0}
    assert "there are no metrics for Prometheus now: Redis is away" in caplog.text
    proxy.close()


def test_who_does_not_use_it_does_not_load_it() -> None:
    program = "import sys, offsider, offsider.worker.worker; assert 'prometheus_client' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_without_its_package_the_message_says_what_to_install() -> None:
    program = "import sys; sys.modules['prometheus_client'] = None; import offsider.integrations.prometheus"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "pip install 'offsider[prometheus]'" in run.stderr
