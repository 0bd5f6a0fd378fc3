"""What was measured, by minute, job and queue: values for those who keep or send them. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

BOUNDS_MS = (
    *(20, 30, 45, 65, 100, 150, 225, 335, 500, 750, 1100, 1700, 2500, 3800, 5750, 8500),
    *(13_000, 20_000, 30_000, 45_000, 65_000, 100_000, 150_000, 225_000, 335_000),
)
"""Upper bounds of a histogram's buckets, each the first value that is not in it; one more bucket has no bound.

Sidekiq's, so that its own pages can read the histograms.
"""
BUCKETS = len(BOUNDS_MS) + 1
OTHER = "(other)"
"""What all jobs, or queues, beyond the limit of names are counted under."""


@dataclass(slots=True)
class Tally:
    """Attempts of one job, or out of one queue, that ended in one minute.

    Attributes:
        processed: How many, failed ones included.
        failed: How many of them raised.
        took_ms: How long those that did not fail took together.
        took: Those by their time: number of the bucket → how many.
        waited_ms: How long all of them had waited together, from queue to start.
        waited: All of them by the time that they had waited.

    Example:
        >>> one = Tally(processed=2, failed=1, took_ms=12.0, took={0: 1})
        >>> one.add(Tally(processed=1, took_ms=30.0, took={1: 1}))
        >>> one.processed, one.took
        (3, {0: 1, 1: 1})
    """

    processed: int = 0
    failed: int = 0
    took_ms: float = 0.0
    took: dict[int, int] = field(default_factory=dict)
    waited_ms: float = 0.0
    waited: dict[int, int] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Count another one in."""
        self.processed += other.processed
        self.failed += other.failed
        self.took_ms += other.took_ms
        self.waited_ms += other.waited_ms
        for mine, more in ((self.took, other.took), (self.waited, other.waited)):
            for bucket, count in more.items():
                mine[bucket] = mine.get(bucket, 0) + count


@dataclass(slots=True)
class Window:
    """What ended in one minute.

    Attributes:
        minute: Minutes since 1970, UTC.
        jobs: Name of the job → its tally.
        queues: Name of the queue → its tally; the same attempts, seen from the other side.
    """

    minute: int
    jobs: dict[str, Tally] = field(default_factory=dict)
    queues: dict[str, Tally] = field(default_factory=dict)


class MetricSink(Protocol):
    """Where measurements go."""

    def write(self, windows: Sequence[Window]) -> None:
        """Keep or send what was measured since the last call; called with each heartbeat, also with nothing.

        Each attempt comes once. A minute comes as often as attempts of it have ended since the last call. The windows
        are shared with other sinks: they are read, never changed.
        """

    def close(self) -> None:
        """The worker has stopped: no more will come."""


def processed(windows: Iterable[Window]) -> int:
    """How many attempts there are in windows.

    Example:
        >>> processed([Window(29_000_000, jobs={"shop.buy": Tally(processed=3)})])
        3
    """
    return sum(tally.processed for window in windows for tally in window.jobs.values())
