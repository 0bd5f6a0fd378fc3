"""Metrics of jobs under Sidekiq's names: what is counted, when, and with which tags. Sends nothing itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from offsider import clock
from offsider.contract.middleware import NextAsync, NextSync, ServerMiddleware
from offsider.errors import JobTimeout, ProcessLost

if TYPE_CHECKING:
    from offsider import App
    from offsider.job.record import Record

    from .statsd import Statsd
    from .worker_metrics.usage import Usage

Tags = Callable[[str, "Record", str], Iterable[str]]
"""Further tags of a job: of its name, its record, and the queue it was taken from."""


class JobMetrics(ServerMiddleware):
    """Counts and times each run.

    * ``jobs.count`` when it starts; ``jobs.success`` and ``jobs.perform`` when it returns, ``jobs.failure`` when it
      raises;
    * a run that ends by a control signal is neither: the job runs again.

    Args:
        statsd: Where to; it may be silent yet.
        tags: Further tags.
    """

    def __init__(self, statsd: Statsd, tags: Tags | None = None) -> None:
        self._statsd = statsd
        self._more = tags

    def call(self, execution: Any, next: NextSync) -> Any:
        """Around a ``def`` job."""
        tags = self._begun(execution)
        started_s = clock.monotonic_s()
        try:
            result = next(execution)
        except BaseException as error:
            if _has_failed(execution, error):
                self._failed(error, tags)
            raise
        self._returned(started_s, tags)
        return result

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        """Around an ``async def`` job."""
        tags = self._begun(execution)
        started_s = clock.monotonic_s()
        try:
            result = await next(execution)
        except BaseException as error:
            if _has_failed(execution, error):
                self._failed(error, tags)
            raise
        self._returned(started_s, tags)
        return result

    # -- what happens to jobs outside of their runs ----------------------------------------------------------

    def listen(self, app: App) -> None:
        """Hear the events of an app."""

        def error(record: Record, error: BaseException) -> None:
            # The time of an `async def` job ends it by a cancellation; what that meant is known outside of the chain.
            job = app.jobs.get(record["class"])
            if isinstance(error, JobTimeout) and job is not None and job.is_async:
                self._failed(error, self._tags_of(record["class"], record, str(record.get("queue"))))

        app.events.on("error", error, by="pro")
        app.events.on("death", self._died, by="pro")
        app.events.on("recovered", self._recovered, by="pro")
        app.events.on("exit", self._statsd.flush, by="pro")

    def expired(self, record: Record, queue: str, _deadline_ms: int) -> None:
        """A job has expired."""
        self._count("jobs.expired", record, queue)

    def delivered(self, jobs: int) -> None:
        """Jobs that were kept while Redis was away are in their queues."""
        self._statsd.count("jobs.recovered.push", (), jobs)

    def spooled(self, jobs: int) -> None:
        """So many jobs are kept on this machine."""
        self._statsd.gauge("spool.jobs", jobs)

    def cost(self, name: str, queue: str, usage: Usage) -> None:
        """A run was measured."""
        tags = _usual(name, queue)
        self._statsd.time("jobs.cpu", usage.cpu_us / 1000, tags)
        if usage.alone:
            self._statsd.gauge("jobs.memory_growth", usage.memory, tags)
            self._statsd.gauge("jobs.objects_left", usage.blocks, tags)

    def _died(self, record: Record, error: BaseException) -> None:
        if isinstance(error, ProcessLost):
            self._count("jobs.poison", record, str(record.get("queue")))

    def _recovered(self, _owner: str, jobs: int) -> None:
        self._statsd.count("jobs.recovered.fetch", (), jobs)

    def _count(self, name: str, record: Record, queue: str) -> None:
        self._statsd.count(name, self._tags_of(record["class"], record, queue))

    # -- a run -------------------------------------------------------------------------------------------------

    def _begun(self, execution: Any) -> list[str]:
        tags = self._tags_of(execution.job.name, execution.record, execution.queue)
        self._statsd.count("jobs.count", tags)
        return tags

    def _returned(self, started_s: float, tags: list[str]) -> None:
        took_ms = (clock.monotonic_s() - started_s) * 1000
        self._statsd.time("jobs.perform", took_ms, tags)
        self._statsd.count("jobs.success", tags)

    def _failed(self, error: BaseException, tags: list[str]) -> None:
        self._statsd.count("jobs.failure", [*tags, f"error_type:{_kind(type(error))}"])

    def _tags_of(self, name: str, record: Record, queue: str) -> list[str]:
        tags = _usual(name, queue)
        if self._more is None:
            return tags
        try:
            return [*tags, *self._more(name, record, queue)]
        except Exception as error:  # noqa: BLE001 - whatever the user's function raises, the job runs
            self._statsd.complain(error)
            return tags


@lru_cache(1024)
def _usual(name: str, queue: str) -> list[str]:
    return [f"worker:{name}", f"queue:{queue}"]


def _has_failed(execution: Any, error: BaseException) -> bool:
    """Not by a cancellation: what that meant, the end of an async job's time perhaps, the event `error` tells."""
    return not (isinstance(error, asyncio.CancelledError) or execution.is_stopped_by(error))


def _kind(kind: type[BaseException]) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
