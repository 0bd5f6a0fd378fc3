"""Reads metrics and deploy marks out of Redis, a period in one round trip. Counts nothing itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from .. import clock
from ..contract.measures import BUCKETS
from ..errors import InvalidOption, shown
from ..job.define import epoch_s
from ..store.classify import store_errors
from ..store.connection import Connections
from ..store.keys import Keys
from ..store.scripts import load
from ..store.wire import Argument
from .histogram import Histogram
from .series import Hour, Mark, Point, Row, Series, Top, point_of
from .stamps import Period, at_minute, unpadded

MOST_LABEL = 200
MOST_LABELS = 1000
TOLD_ONCE_S = 60
MARKS_S = 90 * 86_400


class Metrics:
    """What ``app.metrics`` is: how jobs and queues did, and when was deployed.

    A period is ``minutes=`` (up to 480, one point a minute) or ``hours=`` (up to 72, one point for ten minutes); the
    last hour by minutes without either. Each question is one round trip.

    Args:
        connections: The ways to Redis.
        keys: The namespace.
    """

    def __init__(self, connections: Connections, keys: Keys) -> None:
        self._connections = connections
        self._keys = keys

    def top(
        self,
        *,
        minutes: int | None = None,
        hours: int | None = None,
        match: str = "",
        limit: int | None = None,
    ) -> Top:
        """The jobs of a period, those with the most run time first.

        Args:
            minutes: The period, by minutes.
            hours: The period, by tens of minutes.
            match: Only jobs with this in their names, in capitals or not.
            limit: At most so many jobs.

        Raises:
            InvalidOption: No such period.
            StoreError: Redis is away or refuses.
        """
        period = Period.last(minutes, hours)
        replies, marks = self._read(period, [("hgetall", self._keys.job_counts(stamp)) for stamp in period.stamps])
        rows = [row for row in _rows(replies) if match.casefold() in row.name.casefold()]
        rows.sort(key=lambda row: (-row.took_ms, -row.processed, row.name))
        return Top(tuple(map(at_minute, period.minutes)), tuple(rows[:limit]), marks)

    def job(self, name: str, *, minutes: int | None = None, hours: int | None = None) -> Series:
        """One job: its points, run times and waiting times.

        Raises:
            InvalidOption: No such period.
            StoreError: Redis is away or refuses.
        """
        period, keys = Period.last(minutes, hours), self._keys
        asked: list[tuple[Any, ...]] = []
        for stamp in period.stamps:
            asked += [
                ("hmget", keys.job_counts(stamp), f"{name}|p", f"{name}|f", f"{name}|ms"),
                ("hgetall", keys.job_times(name, stamp)),
            ]
        shared = period.step == 1 and not keys.namespace  # where Ruby's workers write, too
        if shared:
            asked += [("get", keys.histogram(name, unpadded(minute))) for minute in period.minutes]
        replies, marks = self._read(period, asked)
        count = 2 * period.points
        points = [
            _point(at_minute(minute), counts, times)
            for minute, counts, times in zip(period.minutes, replies[:count:2], replies[1:count:2], strict=True)
        ]
        if shared:
            points = [_with_rubys(point, raw) for point, raw in zip(points, replies[count:], strict=True)]
        return Series(name, tuple(points), marks)

    def queues(self, *, minutes: int | None = None, hours: int | None = None) -> list[Series]:
        """Every queue out of which something was run: how much, for how long, and how long it had waited; by name.

        Raises:
            InvalidOption: No such period.
            StoreError: Redis is away or refuses.
        """
        period = Period.last(minutes, hours)
        replies, marks = self._read(period, [("hgetall", self._keys.queue_metrics(stamp)) for stamp in period.stamps])
        points = [_by_name(fields) for fields in replies]
        times = [at_minute(minute) for minute in period.minutes]
        return [
            Series(name, tuple(point_of(at, one.get(name, {})) for at, one in zip(times, points, strict=True)), marks)
            for name in sorted(set().union(*points))
        ]

    def hour(self, names: Sequence[str]) -> dict[str, Hour]:
        """Some queues in the last hour: what `queues` tells of them, without reading all the others.

        Args:
            names: Of the queues; those out of which nothing was run are left out.

        Raises:
            StoreError: Redis is away or refuses.
        """
        minutes, tens = Period.last(), Period.last(hours=1)
        fields = ["p", "f", *(f"w{bucket}" for bucket in range(BUCKETS))]
        of_minutes, of_tens = [f"{name}|p" for name in names], [f"{name}|{what}" for name in names for what in fields]
        asked = [("hmget", self._keys.queue_metrics(stamp), of_minutes) for stamp in minutes.stamps]
        asked += [("hmget", self._keys.queue_metrics(stamp), of_tens) for stamp in tens.stamps]
        replies = self._read(minutes, asked)[0] if names else []
        points = list(zip(*replies[: minutes.points], strict=True))
        sums = [sum(map(int, filter(None, some))) for some in zip(*replies[minutes.points :], strict=True)]
        found = (_hour(name, points[k], sums[k * len(fields) : (k + 1) * len(fields)]) for k, name in enumerate(names))
        return {one.name: one for one in found if one.processed}

    def counts(self, *, minutes: int | None = None, hours: int | None = None) -> Series:
        """All jobs together: how many there were, and how many failed; run times and waiting times are left out.

        Raises:
            InvalidOption: No such period.
            StoreError: Redis is away or refuses.
        """
        period = Period.last(minutes, hours)
        replies, marks = self._read(period, [("hgetall", self._keys.job_counts(stamp)) for stamp in period.stamps])
        points = [
            Point(at_minute(minute), _sum(fields, b"|p"), _sum(fields, b"|f"))
            for minute, fields in zip(period.minutes, replies, strict=True)
        ]
        return Series("", tuple(points), marks)

    # -- deploys ---------------------------------------------------------------------------------------------

    def mark(self, label: str, *, at: float | datetime | None = None) -> bool:
        """Say that something was deployed: a line in the charts. The same label within a minute is one mark.

        Args:
            label: What; at most 200 letters of it are kept.
            at: When (aware `datetime`, or seconds since 1970); now when None.

        Returns:
            True when it is new; False when this label was told within the last minute.

        Raises:
            InvalidOption: The label is empty, or ``at`` no time.
            StoreError: Redis is away or refuses.
        """
        text = _label(label)
        when = at_minute(int((clock.now_s() if at is None else epoch_s(at)) // 60))
        wire = self._connections.wire("marks", read_timeout_s=10.0)
        try:
            keys = [self._keys.marks(f"{when:%Y%m%d}"), self._keys.deploy_lock(text)]
            words: list[Argument] = [_iso(when), text, TOLD_ONCE_S, MARKS_S, MOST_LABELS]
            return bool(wire.run(load("mark"), keys, words) == 1)
        finally:
            wire.close()

    def marks(self, *, minutes: int | None = None, hours: int | None = None) -> tuple[Mark, ...]:
        """Deploys of a period, oldest first.

        Raises:
            InvalidOption: No such period.
            StoreError: Redis is away or refuses.
        """
        return self._read(Period.last(minutes, hours), [])[1]

    # -- totals ------------------------------------------------------------------------------------------------

    def totals(self) -> dict[str, Point]:
        """Every job since counting began: what ever ended, by the job's name. For monitoring, which wants counters.

        Raises:
            StoreError: Redis is away or refuses.
        """
        with store_errors():
            fields: dict[Any, Any] = self._connections.admin().hgetall(self._keys.totals)
        by_name = _by_name(fields)
        now = datetime.fromtimestamp(clock.now_s(), UTC)
        return {name: point_of(now, by_name[name]) for name in sorted(by_name)}

    # -- steps -------------------------------------------------------------------------------------------------

    def _read(self, period: Period, asked: Sequence[tuple[Any, ...]]) -> tuple[list[Any], tuple[Mark, ...]]:
        """The replies, and the marks of the period, in one round trip."""
        with store_errors():
            pipe = self._connections.admin().pipeline(transaction=False)
            for command, *arguments in asked:
                getattr(pipe, command)(*arguments)
            for day in period.days:
                pipe.hgetall(self._keys.marks(day))
            replies: list[Any] = pipe.execute()
        since = at_minute(period.first)
        marks = [mark for fields in replies[len(asked) :] for mark in _marks(fields) if mark.at >= since]
        return replies[: len(asked)], tuple(sorted(marks, key=lambda mark: mark.at))


def _hour(name: str, points: Sequence[bytes | None], sums: Sequence[int]) -> Hour:
    processed, failed, *waited = sums
    return Hour(name, tuple(int(one or 0) for one in points), processed, failed, Histogram(tuple(waited), 0.0))


def _sum(fields: dict[bytes, bytes], end: bytes) -> int:
    return sum(int(value) for field, value in fields.items() if field.endswith(end))


def _by_name(fields: dict[bytes, bytes]) -> dict[str, dict[bytes, bytes]]:
    """The fields ``NAME|WHAT`` of a hash, by their names."""
    found: dict[str, dict[bytes, bytes]] = {}
    for field, value in fields.items():
        name, _, what = field.rpartition(b"|")
        found.setdefault(name.decode("utf-8", "replace"), {})[what] = value
    return found


def _rows(replies: Sequence[dict[bytes, bytes]]) -> list[Row]:
    """Rows out of the counts of each point: up to 300,000 fields, so that each is looked at once and shortly."""
    sums: dict[str, dict[str, int]] = {}
    points: dict[str, list[float]] = {}
    known: dict[bytes, tuple[dict[str, int], str, list[float]]] = {}
    for number, fields in enumerate(replies):
        for field, value in fields.items():
            found = known.get(field)
            if found is None:
                name, _, what = field.decode("utf-8", "replace").rpartition("|")
                mine = sums.setdefault(name, {"p": 0, "f": 0, "ms": 0})
                known[field] = found = (mine, what, points.setdefault(name, [0.0] * len(replies)))
            mine, what, times = found
            if what in mine:
                count = int(value)
                mine[what] += count
                if what == "ms":
                    times[number] = float(count)
    return [Row(name, one["p"], one["f"], float(one["ms"]), tuple(points[name])) for name, one in sums.items()]


def _point(at: datetime, counts: Sequence[bytes | None], times: dict[bytes, bytes]) -> Point:
    """The counts are Sidekiq's, the times are ours: a worker of Ruby's writes only the former."""
    processed, failed, took_ms = (int(value or 0) for value in counts)
    point = point_of(at, times)
    total_ms = max(point.took.total_ms, float(took_ms))
    return replace(point, processed=processed, failed=failed, took=replace(point.took, total_ms=total_ms))


def _with_rubys(point: Point, raw: bytes | None) -> Point:
    """Sidekiq's histogram has everybody's times and ends at 65,535 for each bucket; ours has ours, and does not end."""
    shared = raw or b""
    theirs = [int.from_bytes(shared[2 * bucket : 2 * bucket + 2], "big") for bucket in range(BUCKETS)]
    counts = tuple(map(max, point.took.counts, theirs))
    return replace(point, took=Histogram(counts, point.took.total_ms))


def _marks(fields: dict[bytes, bytes]) -> Iterable[Mark]:
    for at, label in fields.items():
        try:
            when = datetime.fromisoformat(at.decode("utf-8", "replace"))
        except ValueError:
            continue  # no mark of Sidekiq's or ours
        if when.tzinfo is not None:
            yield Mark(when, label.decode("utf-8", "replace"))


def _label(given: object) -> str:
    text = " ".join(given.split())[:MOST_LABEL] if isinstance(given, str) else ""
    if not text:
        raise InvalidOption(f"the label of a deploy is {shown(given)}: expected a text, e.g. a version")
    return text


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M}:00Z"
