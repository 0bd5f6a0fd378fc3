"""What the queries answer with: totals, points in time, marks. Values; they read nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ..contract.measures import BUCKETS
from .histogram import Histogram

Fields = Mapping[bytes, bytes]
TOOK, WAITED = ([f"{kind}{bucket}".encode() for bucket in range(BUCKETS)] for kind in "rw")


@dataclass(frozen=True, slots=True)
class Point:
    """What ended in one minute, or in ten.

    Attributes:
        at: When it began.
        processed: Attempts, failed ones included.
        failed: Failed ones.
        took: Run times of those that did not fail.
        waited: How long all had waited from queue to start.
    """

    at: datetime
    processed: int = 0
    failed: int = 0
    took: Histogram = field(default_factory=Histogram)
    waited: Histogram = field(default_factory=Histogram)


@dataclass(frozen=True, slots=True)
class Mark:
    """A deploy.

    Attributes:
        at: When, to the minute.
        label: What was deployed.
    """

    at: datetime
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """One job in the list of all.

    Attributes:
        name: The job's name.
        processed: Attempts, failed ones included.
        failed: Failed ones.
        took_ms: How long those that did not fail took together.
        points: ``took_ms`` of each point of the period, oldest first.
    """

    name: str
    processed: int
    failed: int
    took_ms: float
    points: tuple[float, ...]

    @property
    def succeeded(self) -> int:
        """Those that did not fail."""
        return self.processed - self.failed

    @property
    def average_ms(self) -> float:
        """How long one took that did not fail; 0 when there was none."""
        return self.took_ms / self.succeeded if self.succeeded else 0.0


@dataclass(frozen=True, slots=True)
class Top:
    """The jobs of a period, most run time first.

    Attributes:
        times: When each point begins, oldest first.
        rows: One for each job.
        marks: Deploys of the period.
    """

    times: tuple[datetime, ...]
    rows: tuple[Row, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """One job, or one queue, over a period.

    Attributes:
        name: Of the job or the queue.
        points: Oldest first.
        marks: Deploys of the period.
    """

    name: str
    points: tuple[Point, ...]
    marks: tuple[Mark, ...] = ()

    @property
    def processed(self) -> int:
        """Attempts, failed ones included."""
        return sum(point.processed for point in self.points)

    @property
    def failed(self) -> int:
        """Failed ones."""
        return sum(point.failed for point in self.points)

    @property
    def took(self) -> Histogram:
        """Run times of those that did not fail, over the whole period."""
        return merged([point.took for point in self.points])

    @property
    def waited(self) -> Histogram:
        """Waiting times of all, over the whole period."""
        return merged([point.waited for point in self.points])


@dataclass(frozen=True, slots=True)
class Hour:
    """One queue in the last hour.

    Attributes:
        name: Of the queue.
        points: How many were processed in each minute, oldest first.
        processed, failed: Attempts in the last six groups of ten minutes, the running one included.
        waited: How long these had waited.
    """

    name: str
    points: tuple[int, ...]
    processed: int
    failed: int
    waited: Histogram


def merged(histograms: Sequence[Histogram]) -> Histogram:
    """All of them in one.

    Example:
        >>> merged([Histogram.of({0: 1}, 5.0), Histogram.of({0: 2}, 1.0)]).counts[0]
        3
    """
    if not histograms:
        return Histogram()
    counts = tuple(map(sum, zip(*(one.counts for one in histograms), strict=True)))
    return Histogram(counts, sum(one.total_ms for one in histograms))


def point_of(at: datetime, fields: Fields) -> Point:
    """A point out of the fields of a hash."""
    number = {name: int(value) for name, value in fields.items()}
    took = tuple([number.get(name, 0) for name in TOOK])
    waited = tuple([number.get(name, 0) for name in WAITED])
    return Point(
        at, number.get(b"p", 0), number.get(b"f", 0), Histogram(took, number.get(b"us", 0) / 1000),
        Histogram(waited, float(number.get(b"wms", 0))),
    )  # fmt: skip
