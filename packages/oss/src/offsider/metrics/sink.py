"""Carries windows to Redis, each attempt once, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..contract.measures import Tally, Window
from ..store.connection import Connections
from ..store.keys import Keys
from ..store.scripts import load
from ..store.wire import Argument
from .stamps import day, one_minute, ten_minutes, unpadded

MINUTE_S = 8 * 3600
TEN_MINUTES_S = 72 * 3600
TOTALS_S = 30 * 86_400
HISTORY_S = 5 * 365 * 86_400
REMEMBER_S = 8 * 3600
BATCH = 50
MOST_TALLIES = 10_000

JOBS, QUEUES = "jobs", "queues"
_Place = tuple[int, str, str]  # minute, jobs or queues, name


@dataclass(slots=True)
class _Request:
    """One call of the script: it is repeated as it is, until it is known to have run."""

    number: int
    keys: dict[str, int] = field(default_factory=dict)
    words: list[Argument] = field(default_factory=list)

    def add(self, key: str, kind: str, expiry_s: int, pairs: Sequence[tuple[str | int, int]]) -> None:
        """Count pairs of what and how much into a key."""
        pairs = [pair for pair in pairs if pair[1]]
        if pairs:
            index = self.keys.setdefault(key, len(self.keys) + 2)
            self.words += [index, expiry_s, kind, len(pairs), *(word for pair in pairs for word in pair)]


class RedisSink:
    """Adds windows to what is in Redis, in Sidekiq's layout, and in ours.

    * What was not accepted is kept and comes with the next call: up to 10,000 tallies, beyond that the oldest minute
      becomes part of the one after it.
    * A request whose reply was lost is repeated under its own number, which the script remembers: nothing is counted
      twice.

    Args:
        connections: The ways to Redis.
        keys: The namespace.
        identity: Of this process: its requests are numbered.
    """

    def __init__(self, connections: Connections, keys: Keys, identity: str) -> None:
        self._wire = connections.wire("metrics", read_timeout_s=10.0)
        self._script = load("count")
        self._keys = keys
        self._flushed = keys.flushed(identity)
        self._kept: dict[_Place, Tally] = {}
        self._request: _Request | None = None
        self._number = 0

    def write(self, windows: Sequence[Window]) -> None:
        """Add windows, and whatever an earlier call could not.

        Raises:
            StoreError: Redis is away, or refuses; what is left comes with the next call.
        """
        for window in windows:
            self._keep(window)
        while self._request is not None or self._kept:
            if self._request is None:
                self._request = self._next_request()
            request = self._request
            self._wire.run(self._script, [self._flushed, *request.keys], [request.number, REMEMBER_S, *request.words])
            self._request = None

    def close(self) -> None:
        """Drop the connection."""
        self._wire.close()

    # -- what waits ------------------------------------------------------------------------------------------

    def _keep(self, window: Window) -> None:
        for side, tallies in ((JOBS, window.jobs), (QUEUES, window.queues)):
            for name, tally in tallies.items():
                self._kept.setdefault((window.minute, side, name), Tally()).add(tally)
        while len(self._kept) > MOST_TALLIES and self._merge_oldest():
            pass

    def _merge_oldest(self) -> bool:
        """The oldest minute becomes part of the next; False when there is only one."""
        minutes = sorted({minute for minute, _side, _name in self._kept})
        if len(minutes) < 2:
            return False
        for place in [one for one in self._kept if one[0] == minutes[0]]:
            self._kept.setdefault((minutes[1], *place[1:]), Tally()).add(self._kept.pop(place))
        return True

    # -- what is sent ----------------------------------------------------------------------------------------

    def _next_request(self) -> _Request:
        self._number += 1
        request = _Request(self._number)
        for place in list(self._kept)[:BATCH]:
            minute, side, name = place
            tally = self._kept.pop(place)
            if side == JOBS:
                self._add_job(request, minute, name, tally)
            else:
                for stamp, expiry_s in _spans(minute):
                    request.add(self._keys.queue_metrics(stamp), "h", expiry_s, _all_of(tally, f"{name}|"))
        return request

    def _add_job(self, request: _Request, minute: int, name: str, tally: Tally) -> None:
        keys = self._keys
        counts = list(_counts_of(tally, f"{name}|"))
        for stamp, expiry_s in _spans(minute):
            request.add(keys.job_counts(stamp), "h", expiry_s, counts)
            request.add(keys.job_times(name, stamp), "h", expiry_s, list(_times_of(tally, "")))
        request.add(keys.totals, "h", TOTALS_S, _all_of(tally, f"{name}|"))
        if not keys.namespace:  # for Sidekiq's pages, which know no namespaces
            request.add(keys.histogram(name, unpadded(minute)), "b", MINUTE_S, list(tally.took.items()))
        for stat, count in (("processed", tally.processed), ("failed", tally.failed)):
            request.add(keys.stat(stat), "i", 0, [("", count)])
            request.add(keys.stat(stat, day(minute)), "i", HISTORY_S, [("", count)])


def _spans(minute: int) -> tuple[tuple[str, int], tuple[str, int]]:
    return (one_minute(minute), MINUTE_S), (ten_minutes(minute), TEN_MINUTES_S)


def _all_of(tally: Tally, prefix: str) -> list[tuple[str | int, int]]:
    return [*_counts_of(tally, prefix), *_times_of(tally, prefix)]


def _counts_of(tally: Tally, prefix: str) -> Iterator[tuple[str | int, int]]:
    yield f"{prefix}p", tally.processed
    yield f"{prefix}f", tally.failed
    yield f"{prefix}ms", round(tally.took_ms)


def _times_of(tally: Tally, prefix: str) -> Iterator[tuple[str | int, int]]:
    yield f"{prefix}us", round(tally.took_ms * 1000)
    yield f"{prefix}wms", round(tally.waited_ms)
    for bucket, count in tally.took.items():
        yield f"{prefix}r{bucket}", count
    for bucket, count in tally.waited.items():
        yield f"{prefix}w{bucket}", count
