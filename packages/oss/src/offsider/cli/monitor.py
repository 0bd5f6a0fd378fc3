"""What ``offsider top`` shows: looks at an app every few seconds, reckons rates, and writes the screen as lines."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .. import clock
from . import table
from .jobs import progress
from .processes import row
from .wording import span

if TYPE_CHECKING:
    from ..api.processes import ProcessInfo
    from ..api.running import RunningJob
    from ..api.stats import Figures
    from ..app import App

WINDOW_S = 30.0
MOST_REQUESTS_A_SECOND = 5.0
FIXED_REQUESTS = 6


@dataclass(frozen=True, slots=True)
class Sample:
    """One look.

    Attributes:
        at_s: When, epoch seconds.
        figures: Of everything.
        processes: Those that live.
        running: Jobs that run, the longest first.
        processed_s, failed_s: Attempts a second over the last half minute; None with the first look.
    """

    at_s: float
    figures: Figures
    processes: tuple[ProcessInfo, ...]
    running: tuple[RunningJob, ...]
    processed_s: float | None
    failed_s: float | None

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "at_s": self.at_s, "processed_s": self.processed_s, "failed_s": self.failed_s,
            **self.figures.to_dict(),
            "processes": [one.to_dict() for one in self.processes],
            "running": [one.to_dict() for one in self.running],
        }  # fmt: skip


class Monitor:
    """Looks at an app.

    Processes tell what they have done with each heartbeat, so rates are reckoned over half a minute.

    Args:
        app: Whose.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._seen: deque[tuple[float, int, int]] = deque()

    def look(self) -> Sample:
        """Everything as it is now.

        Raises:
            StoreError: Redis is away or refuses.
        """
        figures = self._app.stats.now()
        processes = tuple(self._app.processes.all())
        running = tuple(self._app.running.all())
        at_s = clock.now_s()
        return Sample(at_s, figures, processes, running, *self._rates(clock.monotonic_s(), figures))

    def pause_s(self, sample: Sample, every_s: float) -> float:
        """How long to wait until the next look: with many processes longer, so that Redis has little to do.

        Args:
            sample: The last look.
            every_s: What is wanted.
        """
        return max(every_s, (FIXED_REQUESTS + 2 * len(sample.processes)) / MOST_REQUESTS_A_SECOND)

    def _rates(self, now_s: float, figures: Figures) -> tuple[float | None, float | None]:
        seen = self._seen
        if seen and figures.processed < seen[-1][1]:
            seen.clear()  # somebody has set the totals back
        seen.append((now_s, figures.processed, figures.failed))
        while len(seen) > 2 and now_s - seen[1][0] >= WINDOW_S:
            seen.popleft()
        first_s, processed, failed = seen[0]
        if now_s <= first_s:
            return None, None
        past_s = now_s - first_s
        return (figures.processed - processed) / past_s, max(0, figures.failed - failed) / past_s


def line(sample: Sample) -> str:
    """A sample in one line."""
    figures = sample.figures
    return (
        f"{datetime.fromtimestamp(sample.at_s, UTC):%H:%M:%SZ}"
        f"  processed {figures.processed:,}{_rate(sample.processed_s)}"
        f"  failed {figures.failed:,}{_rate(sample.failed_s)}"
        f"  waiting {figures.enqueued:,} ({span(figures.latency_s)})  busy {figures.busy}/{figures.concurrency}"
        f"  scheduled {figures.scheduled:,}  retries {figures.retries:,}  dead {figures.dead:,}"
    )


def screen(sample: Sample, *, width: int | None = None, height: int | None = None) -> list[str]:
    """A sample as lines; those that begin with ``# `` are headings.

    Args:
        sample: A look.
        width: How wide they may be; None for any.
        height: How many there may be; each part gets its share. None for any.
    """
    figures = sample.figures
    done = f"processed {figures.processed:,}{_rate(sample.processed_s)}   "
    waits = f"waiting {figures.enqueued:,}   latency {span(figures.latency_s)}   "
    works = f"busy {figures.busy}/{figures.concurrency}   scheduled {figures.scheduled:,}   "
    head = [
        f"# offsider  {datetime.fromtimestamp(sample.at_s, UTC):%Y-%m-%d %H:%M:%SZ}",
        f"{done}failed {figures.failed:,}{_rate(sample.failed_s)}",
        f"{waits}{works}retries {figures.retries:,}   dead {figures.dead:,}",
    ]
    parts = [_queues(sample), _processes(sample), _running(sample)]
    most = None if height is None else max(1, (height - len(head) - 3 * len(parts)) // len(parts))
    lines = list(head)
    for title, columns, rows, right in parts:
        lines += ["", f"# {title} ({len(rows):,})"]
        shown = rows if most is None else rows[:most]
        if shown:
            lines += table.lines(columns, shown, right=right, most=width)
    return [one if width is None else one[:width] for one in lines]


Part = tuple[str, tuple[str, ...], list[tuple[str, ...]], tuple[int, ...]]


def _queues(sample: Sample) -> Part:
    rows: list[tuple[str, ...]] = [(one.name, f"{one.size:,}", span(one.latency_s)) for one in sample.figures.queues]
    return "queues", ("queue", "size", "latency"), rows, (1, 2)


def _processes(sample: Sample) -> Part:
    head = ("process", "busy", "queues", "memory", "beat", "state", "tag", "version")
    return "processes", head, [row(one) for one in sample.processes], (1, 3, 4)


def _running(sample: Sample) -> Part:
    rows: list[tuple[str, ...]] = [
        (one.name, one.queue, span(max(0.0, sample.at_s - one.since_s)), progress(one.progress), one.jid)
        for one in sample.running
    ]
    return "running", ("job", "queue", "for", "progress", "jid"), rows, (2,)


def _rate(a_second: float | None) -> str:
    return "" if a_second is None else f" ({a_second:.1f}/s)"
