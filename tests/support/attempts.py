"""Attempts that a test makes up: measured as the worker's are, without a worker."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from offsider import clock
from offsider.metrics.track import Tracker


class Job:
    """What is asked of a job."""

    def __init__(self, name: str) -> None:
        self.name = name


_MADE: dict[str, Job] = {}


def execution(
    name: str = "shop.buy", queue: str = "default", *, took_s: float = 0.0, waited_s: float | None = 0.0, **more: Any
) -> Any:
    """An execution that has begun ``took_s`` ago, and had waited for ``waited_s`` before."""
    record: dict[str, Any] = {"class": name}
    if waited_s is not None:
        record["enqueued_at"] = round((clock.now_s() - took_s - waited_s) * 1000)
    record.update(more.pop("record", {}))
    return SimpleNamespace(
        job=_MADE.setdefault(name, Job(name)),
        unit=SimpleNamespace(queue=queue),
        record=record,
        started_s=clock.monotonic_s() - took_s,
        took_s=took_s,
        failed=more.pop("failed", False),
        **more,
    )


def attempt(tracker: Tracker, *, failed: bool | None = False, **given: Any) -> None:
    """One attempt that ends now."""
    tracker.add([execution(failed=failed, **given)])


def attempts(tracker: Tracker, failures: Iterable[bool], **given: Any) -> None:
    """Several, failed or not."""
    for failed in failures:
        attempt(tracker, failed=failed, **given)
