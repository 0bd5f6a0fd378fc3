"""Figures of an app for Prometheus, read from Redis when they are asked for. Costs jobs nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

try:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
    from prometheus_client.exposition import choose_encoder
    from prometheus_client.registry import Collector
except ImportError as error:
    raise ImportError("metrics for Prometheus need its package: pip install 'offsider[prometheus]'") from error

from ..contract.measures import BOUNDS_MS
from ..errors import StoreError

if TYPE_CHECKING:
    from ..app import App
    from ..metrics.histogram import Histogram
    from ..metrics.series import Point

log = logging.getLogger("offsider")

MOST_QUEUES = MOST_JOBS = 1000
BOUNDS = (*(f"{bound / 1000:g}" for bound in BOUNDS_MS), "+Inf")


class OffsiderCollector(Collector):
    """What there is in Redis, as families of metrics.

    * totals, sizes of queues and sets, latencies, processes;
    * for each job: how many ended, run times and waiting times as histograms.

    It is the same whoever is asked: one process of a cluster tells of all. While Redis is away, ``offsider_up`` is 0,
    and there is nothing else.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    def describe(self) -> Iterable[Metric]:
        """Nothing: to be registered needs no Redis."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Everything, as it is now."""
        try:
            found = [*self._everything(), *self._processes(), *self._jobs()]
        except StoreError as error:
            log.warning("there are no metrics for Prometheus now: %s", error)
            found = []
        yield _gauge("up", "1 when Redis could be read", bool(found))
        yield from found

    def _everything(self) -> Iterator[Metric]:
        now = self._app.stats.now()
        yield _counter("jobs_processed", "Attempts that have ended, failed ones included", now.processed)
        yield _counter("jobs_failed", "Attempts that have failed", now.failed)
        size = GaugeMetricFamily("offsider_queue_jobs", "Jobs that wait in a queue", labels=["queue"])
        latency = GaugeMetricFamily(
            "offsider_queue_latency_seconds", "How long the job that is taken next has waited", labels=["queue"]
        )
        for queue in now.queues[:MOST_QUEUES]:
            size.add_metric([queue.name], queue.size)
            latency.add_metric([queue.name], queue.latency_s)
        yield from (size, latency)
        yield _gauge("scheduled_jobs", "Jobs that are not due yet", now.scheduled)
        yield _gauge("retry_jobs", "Jobs that have failed and are tried again", now.retries)
        yield _gauge("dead_jobs", "Jobs that have no retries left", now.dead)
        yield _gauge("quarantined_jobs", "What could not be run at all", now.quarantined)

    def _processes(self) -> Iterator[Metric]:
        processes = self._app.processes.all()
        yield _gauge("processes", "Live worker processes", len(processes))
        yield _gauge("quiet_processes", "Those that fetch no more", sum(one.quiet for one in processes))
        yield _gauge("busy_jobs", "Jobs that run now", sum(one.busy for one in processes))
        yield _gauge("concurrency", "Jobs that can run at once", sum(one.concurrency for one in processes))
        rss_kb = sum(one.rss_kb for one in processes)
        yield _gauge("resident_memory_bytes", "Memory of all worker processes", rss_kb * 1024)

    def _jobs(self) -> Iterator[Metric]:
        totals = self._app.metrics.totals()
        processed = _family(CounterMetricFamily, "job_processed", "Attempts of a job, failed ones included")
        failed = _family(CounterMetricFamily, "job_failed", "Attempts of a job that have failed")
        took = _family(HistogramMetricFamily, "job_duration_seconds", "Run times of attempts that did not fail")
        waited = _family(HistogramMetricFamily, "job_wait_seconds", "How long a job had waited in its queue")
        most = sorted(totals.items(), key=lambda one: (-one[1].processed, one[0]))[:MOST_JOBS]
        for name, point in sorted(most):
            _add(name, point, processed, failed)
            for family, times in ((took, point.took), (waited, point.waited)):
                family.add_metric([name], list(_cumulated(times)), times.total_ms / 1000)
        yield from (processed, failed, took, waited)


def collector(app: App) -> OffsiderCollector:
    """A collector for any registry of ``prometheus_client``.

    Args:
        app: The app whose Redis is read.

    Example:
        >>> from offsider import App
        >>> from prometheus_client import CollectorRegistry
        >>> registry = CollectorRegistry()
        >>> registry.register(collector(App("redis://localhost:6379/0", editions=[])))
    """
    return OffsiderCollector(app)


def exposition(app: App, accept: str = "") -> tuple[bytes, str]:
    """What a page for Prometheus answers with.

    Args:
        app: The app.
        accept: The request's header ``Accept``.

    Returns:
        The body, and its content type.
    """
    registry = CollectorRegistry()
    registry.register(collector(app))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"offsider_{name}", text, value=float(value))


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"offsider_{name}", text, value=float(value))


def _family(kind: Any, name: str, text: str) -> Any:
    return kind(f"offsider_{name}", text, labels=["job"])


def _add(name: str, point: Point, processed: Any, failed: Any) -> None:
    processed.add_metric([name], point.processed)
    failed.add_metric([name], point.failed)


def _cumulated(times: Histogram) -> Iterator[tuple[str, float]]:
    below = 0
    for bound, count in zip(BOUNDS, times.counts, strict=True):
        below += count
        yield bound, float(below)
