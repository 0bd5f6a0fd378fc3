"""Reads metrics and deploy marks out of Redis, a period in one round trip. Counts nothing itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from .. import clock
from ..contract.measures import BUCKETS
from ..errors import InvalidOption, shown
from ..job.define import epoch_s
from ..store.classify import store_errors
from ..store.connection import Connections
from ..store.hashes import AT_ONCE, mapped, requests
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
COUNTS = (b"p", b"f", b"ms")
OF_AN_HOUR = ("p", "f", *(f"w{bucket}" for bucket in range(BUCKETS)))


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
        fields = [f"{name}|p", f"{name}|f", f"{name}|ms"]
        ours = requests([keys.job_counts(stamp) for stamp in period.stamps], fields)
        ours += requests([keys.job_times(name, stamp) for stamp in period.stamps])
        shared = period.step == 1 and not keys.namespace  # where Ruby's workers write, too
        theirs = [("get", keys.histogram(name, unpadded(minute))) for minute in period.minutes] if shared else []
        replies, marks = self._read(period, [*ours, *theirs])
        found = [one for some in replies[: len(ours)] for one in some]
        count = period.points
        points = [
            _point(at_minute(minute), counts, mapped(times))
            for minute, counts, times in zip(period.minutes, found[:count], found[count:], strict=True)
        ]
        if shared:
            points = [_with_rubys(point, raw) for point, raw in zip(points, replies[len(ours) :], strict=True)]
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
        found = (one for k in range(0, len(names), AT_ONCE) for one in self._hours(names[k : k + AT_ONCE]))
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

    def _hours(self, names: Sequence[str]) -> Iterator[Hour]:
        minutes, tens = Period.last(), Period.last(hours=1)
        metrics, width = self._keys.queue_metrics, len(OF_AN_HOUR)
        asked = requests([metrics(stamp) for stamp in minutes.stamps], [f"{name}|p" for name in names])
        of_tens = [f"{name}|{what}" for name in names for what in OF_AN_HOUR]
        asked += requests([metrics(stamp) for stamp in tens.stamps], of_tens)
        by_minutes, by_tens = self._read(minutes, asked)[0]
        points = list(zip(*by_minutes, strict=True))
        sums = [sum(map(int, filter(None, some))) for some in zip(*by_tens, strict=True)]
        return (_hour(name, points[k], sums[k * width : (k + 1) * width]) for k, name in enumerate(names))

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
    found = _Columns(len(replies))
    for number, fields in enumerate(replies):
        for field, value in fields.items():
            found[field][number] = value
    counts: dict[bytes, dict[bytes, list[int]]] = {}
    for field, values in found.items():
        name, _, what = field.rpartition(b"|")
        mine = counts.setdefault(name, {})
        if what in COUNTS:
            mine[what] = list(map(int, values))
    nothing = [0] * len(replies)
    return [_row(name, *(one.get(what, nothing) for what in COUNTS)) for name, one in counts.items()]


class _Columns(dict[bytes, list[bytes]]):
    """What a field was at each point; ``0`` where it was not there."""

    def __init__(self, points: int) -> None:
        super().__init__()
        self._points = points

    def __missing__(self, field: bytes) -> list[bytes]:
        values = self[field] = [b"0"] * self._points
        return values


def _row(name: bytes, processed: list[int], failed: list[int], took_ms: list[int]) -> Row:
    points = tuple(map(float, took_ms))
    return Row(name.decode("utf-8", "replace"), sum(processed), sum(failed), float(sum(took_ms)), points)


def _point(at: datetime, counts: Sequence[bytes | None], times: dict[bytes, bytes]) -> Point:
    """The counts are Sidekiq's, the times are ours: a worker of Ruby's writes only the former."""
    processed, failed, took_ms = (int(value or 0) for value in counts)
    ours = point_of(at, times)
    took = Histogram(ours.took.counts, max(ours.took.total_ms, float(took_ms)))
    return Point(at, processed, failed, took, ours.waited)


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
