"""What was found: a row for each variant of a system, with its rounds or the reason there are none. Only values."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from versus.measure import Run

REFERENCE = ("offsider", "threads")


@dataclass
class Row:
    """One variant of one system.

    Attributes:
        jobs: How many a round runs.
        runs: A round each.
        one_per_s: Jobs enqueued one at a time, a second; a round each. `bulk_per_s`: many at once.
        reason: Why there are no figures; empty when there are.
    """

    system: str
    variant: str
    title: str
    best: bool = False
    note: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    jobs: int = 0
    runs: list[Run] = field(default_factory=list)
    one_per_s: list[float] = field(default_factory=list)
    bulk_per_s: list[float] = field(default_factory=list)
    reason: str = ""

    @property
    def label(self) -> str:
        """The system and its variant."""
        return f"{self.title}, {self.variant}" if self.variant else self.title

    @property
    def is_measured(self) -> bool:
        """There are figures, and nothing failed."""
        return bool(self.runs) and not self.reason

    def median(self, what: str) -> float | None:
        """The median of a figure of `Run`, of ``one_per_s`` or of ``bulk_per_s``; None when it was not measured."""
        every: Iterable[float | None] = (
            getattr(self, what) if hasattr(self, what) else [getattr(run, what) for run in self.runs]
        )
        found = [one for one in every if one is not None]
        return statistics.median(found) if found else None

    def as_json(self) -> dict[str, Any]:
        """All of it, medians beside the rounds."""
        figures = ("rate", "cpu_us", "commands", "rss_mb", "one_per_s", "bulk_per_s")
        return {**asdict(self), "medians": {what: self.median(what) for what in figures}}


def in_order(rows: Sequence[Row]) -> list[Row]:
    """The fastest first, those without figures last."""
    return sorted(rows, key=lambda row: (not row.is_measured, -(row.median("rate") or 0.0)))


def reference_rate(rows: Sequence[Row]) -> float | None:
    """What all ratios are to: Offsider on threads; None when it was not measured."""
    for row in rows:
        if (row.system, row.variant) == REFERENCE and row.is_measured:
            return row.median("rate")
    return None
