"""Times in 26 buckets: counting them, and reading percentiles out of them. No I/O."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from ..contract.measures import BOUNDS_MS, BUCKETS

_BOUNDS_S = tuple(bound / 1000 for bound in BOUNDS_MS)


def bucket_of(time_s: float) -> int:
    """The bucket that a time falls into.

    Example:
        >>> bucket_of(0.019), bucket_of(0.02), bucket_of(400.0)
        (0, 1, 25)
    """
    return bisect_right(_BOUNDS_S, time_s)


def buckets_of(times_s: list[float], plus_s: float = 0.0) -> dict[int, int]:
    """How many times fall into each bucket; sorts the list.

    Args:
        times_s: Seconds, at least one.
        plus_s: So much is added to each before it is looked at; what is below zero then is in the first bucket.

    Example:
        >>> buckets_of([0.019, 0.02, 400.0])
        {0: 1, 1: 1, 25: 1}
    """
    longest_s = max(times_s) + plus_s
    if longest_s < _BOUNDS_S[0]:
        return {0: len(times_s)}
    most = bisect_right(_BOUNDS_S, longest_s)
    if most == bisect_right(_BOUNDS_S, min(times_s) + plus_s):
        return {most: len(times_s)}
    times_s.sort()
    counts: dict[int, int] = {}
    below = 0
    for bucket, bound_s in enumerate(_BOUNDS_S):
        until = bisect_left(times_s, bound_s - plus_s, below)
        if until > below:
            counts[bucket] = until - below
            below = until
    if below < len(times_s):
        counts[BUCKETS - 1] = len(times_s) - below
    return counts


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many times fell into which bucket.

    Attributes:
        counts: One number for each of the 26 buckets.
        total_ms: All times together.

    Example:
        >>> times = Histogram.of({0: 50, 1: 50}, total_ms=2000.0)
        >>> times.count, times.average_ms, times.p50_ms, times.p95_ms
        (100, 20.0, 20.0, 29.0)
    """

    counts: tuple[int, ...] = field(default=(0,) * BUCKETS)
    total_ms: float = 0.0

    @classmethod
    def of(cls, counts: Mapping[int, int], total_ms: float) -> Histogram:
        """Out of buckets by number."""
        return cls(tuple(counts.get(bucket, 0) for bucket in range(BUCKETS)), total_ms)

    @property
    def count(self) -> int:
        """How many times are in it."""
        return sum(self.counts)

    @property
    def average_ms(self) -> float:
        """The mean; 0 when it is empty."""
        return self.total_ms / self.count if self.count else 0.0

    def percentile_ms(self, percent: float) -> float:
        """The time that ``percent`` of all times are at or below; 0 when it is empty.

        Within the bucket in which that time lies, times are taken to be spread evenly: a straight line from its lower
        to its upper bound. So the answer is off by less than the bucket's width. The last bucket has no upper bound:
        what lies in it is given as its lower bound, 335 s.
        """
        until = list(accumulate(self.counts))  # how many are in a bucket or below it
        if not until[-1]:
            return 0.0
        wanted = until[-1] * percent / 100
        bucket = bisect_left(until, max(wanted, 1))
        lower = BOUNDS_MS[bucket - 1] if bucket else 0
        upper = BOUNDS_MS[bucket] if bucket < len(BOUNDS_MS) else lower
        count = self.counts[bucket]
        return lower + (upper - lower) * (wanted - (until[bucket] - count)) / count

    @property
    def p50_ms(self) -> float:
        """The median."""
        return self.percentile_ms(50)

    @property
    def p95_ms(self) -> float:
        """19 of 20 took no longer."""
        return self.percentile_ms(95)

    @property
    def p99_ms(self) -> float:
        """99 of 100 took no longer."""
        return self.percentile_ms(99)
