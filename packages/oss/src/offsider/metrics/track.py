"""Measures attempts in memory, by minute, job and queue. Never talks to Redis."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any

from .. import clock
from ..clock import monotonic_s
from ..contract.measures import OTHER, Tally, Window
from .histogram import bucket_of, buckets_of

log = logging.getLogger("offsider.worker")

MOST_NAMES = 1000
LOOKS = 16  # at waiting times of one job, each time
_STAMPS_ARE_SECONDS_S = 1e9  # Sidekiq wrote `enqueued_at` in seconds up to version 7


class Tracker:
    """The windows of one process.

    * each round of a capsule adds the executions that have ended since the last one: many together cost a third of
      what they cost one by one, and nothing is on the way of a job (decision 0024);
    * the heartbeat takes the windows.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # capsules have rounds of their own
        self._jobs: set[str] = set()
        self._queues: set[str] = set()
        self._tallies: dict[tuple[Any, str], Tally] = {}  # of the minute that is open, by job and queue
        self._windows: dict[int, Window] = {}
        self._set_clock()

    def add(self, executions: Sequence[Any]) -> None:
        """Sum up what has ended. Whatever goes wrong here is logged: these jobs have ended, and are to be settled."""
        try:
            with self._lock:
                self._sum_up(executions)
        except Exception:
            log.exception("attempts could not be measured; their jobs are not touched by it")

    def take(self) -> list[Window]:
        """What was measured since the last call, by minute."""
        with self._lock:
            self._close_minute()
            windows = [self._windows[minute] for minute in sorted(self._windows)]
            self._windows = {}
        return windows

    # -- summing up ------------------------------------------------------------------------------------------

    def _sum_up(self, executions: Sequence[Any]) -> None:
        if monotonic_s() >= self._minute_end_s:
            end_s = self._minute_end_s
            self._add([one for one in executions if _end_s(one) < end_s])
            executions = [one for one in executions if _end_s(one) >= end_s]
            self._close_minute()
            self._set_clock()
        self._add(executions)

    def _close_minute(self) -> None:
        """From tallies by job and queue, which are quick to add to, to those of the window."""
        for (job, queue), tally in self._tallies.items():
            window = self._windows.setdefault(self._minute, Window(self._minute))
            window.jobs.setdefault(_bounded(self._jobs, job.name), Tally()).add(tally)
            window.queues.setdefault(_bounded(self._queues, queue), Tally()).add(tally)
        self._tallies.clear()

    def _set_clock(self) -> None:
        now_s, monotonic = clock.now_s(), monotonic_s()
        self._minute = int(now_s // 60)
        self._minute_end_s = monotonic + (self._minute + 1) * 60 - now_s
        self._offset_s = now_s - monotonic

    def _add(self, executions: Sequence[Any]) -> None:
        if not executions:
            return
        job, queue = executions[0].job, executions[0].unit.queue
        took_s = [
            one.took_s for one in executions if one.job is job and one.failed is False and one.unit.queue == queue
        ]
        if len(took_s) == len(executions):  # mostly
            self._count(job, queue, took_s, executions)
        else:
            for (job, queue), group in _grouped(executions).items():
                self._count(job, queue, [one.took_s for one in group if not one.failed], group)

    def _count(self, job: Any, queue: str, took_s: list[float], group: Sequence[Any]) -> None:
        """A group's attempts; ``took_s`` has those that did not fail."""
        took = buckets_of(took_s) if took_s else {}
        tally = self._tallies.get((job, queue))
        if tally is None:
            tally = self._tallies[job, queue] = Tally()
        tally.processed += len(group)
        tally.failed += len(group) - len(took_s)
        tally.took_ms += sum(took_s) * 1000
        _count_in(tally.took, took, 1)
        self._count_waits(tally, group)

    def _count_waits(self, tally: Tally, group: Sequence[Any]) -> None:
        # Of very many that end with one round, each that is looked at has waited as long as its neighbours.
        step, count = len(group) // LOOKS or 1, len(group)
        try:
            waited_s = [one.started_s - one.record["enqueued_at"] * 0.001 for one in group[step // 2 :: step]]
            odd = max(waited_s) + self._offset_s >= _STAMPS_ARE_SECONDS_S
        except (KeyError, TypeError, OverflowError):
            odd = True
        if odd:
            waited_s, step = _waited_one_by_one(group, self._offset_s), 1
            count = len(waited_s)
        if waited_s:
            last, looks = waited_s[-1], len(waited_s)
            left = count - step * (looks - 1)  # for which the last one stands
            total_s = (sum(waited_s) - last + (looks - 1) * self._offset_s) * step + (last + self._offset_s) * left
            tally.waited_ms += max(0.0, total_s) * 1000
            _count_in(tally.waited, buckets_of(waited_s, self._offset_s), step)
            if left != step:
                final = bucket_of(last + self._offset_s)
                tally.waited[final] += left - step


def _count_in(counts: dict[int, int], more: dict[int, int], times: int) -> None:
    for bucket, found in more.items():
        counts[bucket] = counts.get(bucket, 0) + found * times


def _end_s(execution: Any) -> float:
    return float(execution.started_s + execution.took_s)


def _grouped(executions: Sequence[Any]) -> dict[tuple[Any, str], list[Any]]:
    """Attempts by job and queue; what was no attempt is left out."""
    groups: dict[tuple[Any, str], list[Any]] = {}
    for one in executions:
        if one.failed is not None:
            groups.setdefault((one.job, one.unit.queue), []).append(one)
    return groups


def _waited_one_by_one(group: Sequence[Any], offset_s: float) -> list[float]:
    """What can be read of stamps in any form, in the time from which the offset leads to ours."""
    waited_s = []
    for one in group:
        stamp = one.record.get("enqueued_at")
        if type(stamp) in (int, float) and 0 < stamp < 1e15:
            in_seconds = one.started_s + offset_s - stamp * 0.001 >= _STAMPS_ARE_SECONDS_S
            waited_s.append(one.started_s - stamp * (1.0 if in_seconds else 0.001))
    return waited_s


def _bounded(names: set[str], name: str) -> str:
    if name not in names:
        if len(names) >= MOST_NAMES:
            return OTHER
        names.add(name)
    return name
