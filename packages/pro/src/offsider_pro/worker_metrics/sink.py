"""Puts a meter into a worker: around some of its jobs, and its sums into Redis with each heartbeat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from offsider.contract.measures import MetricSink, Window
from offsider.worker.service import PeriodicService

from .meter import Told, UsageMeter
from .report import WorkerMetrics

if TYPE_CHECKING:
    from offsider.worker.worker import Worker


WAKE_EVERY_S = 1.0


class UsageSink(MetricSink):
    """Writes what a meter has, when it is time for metrics."""

    def __init__(self, meter: UsageMeter, metrics: WorkerMetrics) -> None:
        self._meter = meter
        self._metrics = metrics

    def write(self, windows: Sequence[Window]) -> None:  # noqa: ARG002 - these are counts; costs are the meter's
        """With each heartbeat."""
        self._metrics.write(self._meter)

    def close(self) -> None:
        """The worker has stopped."""
        self._metrics.write(self._meter)


class MeterWatch(PeriodicService):
    """Wakes a meter once a second."""

    name = "costs"

    def __init__(self, meter: UsageMeter, worker: Worker) -> None:
        super().__init__()
        self._meter = meter
        self._worker = worker

    def tick(self) -> float:
        """Have it see some runs."""
        if self._meter.wake():
            self._worker.rewire()
        return WAKE_EVERY_S


def add_meter(worker: Worker, every_s: float, told: Told | None, by: str) -> UsageMeter:
    """Measure in this worker.

    Args:
        worker: It has not started yet.
        every_s: Between two measurements of one class.
        told: Called after each measurement; None for nobody.
        by: Whose it is.
    """
    meter = UsageMeter(worker.busy, every_s=every_s, told=told, on_rest=worker.rewire)
    worker.server_middleware.add("pro.costs", meter, by=by)
    worker.services.add("pro.costs", MeterWatch(meter, worker), by=by)
    worker.sinks.add("pro.costs", UsageSink(meter, WorkerMetrics(worker.app)), by=by)
    return meter
