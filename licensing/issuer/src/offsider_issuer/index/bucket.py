"""How often somebody may ask: token buckets, a bounded number of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

MOST_BUCKETS = 10_000


class Buckets:
    """One bucket a name: it holds ``burst`` tokens and fills by ``per_s``.

    At most 10,000 are remembered. The one that was asked for longest ago is forgotten first, which is as good as
    full: memory is bounded, and nobody is refused because of others.

    Example:
        >>> now_s = 0.0
        >>> buckets = Buckets(burst=2, per_s=0.5, clock=lambda: now_s)
        >>> [buckets.take("a"), buckets.take("a"), buckets.take("a")]
        [0.0, 0.0, 2.0]
    """

    def __init__(self, burst: float, per_s: float, clock: Callable[[], float], most: int = MOST_BUCKETS) -> None:
        self._burst = burst
        self._per_s = per_s
        self._clock = clock
        self._most = most
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, tokens: float = 1.0) -> float:
        """Take tokens out of somebody's bucket.

        Returns:
            0.0, or the seconds after which there are enough. Then nothing was taken.
        """
        now_s = self._clock()
        level, at_s = self._levels.pop(name, (self._burst, now_s))
        level = min(self._burst, level + (now_s - at_s) * self._per_s)
        missing = tokens - level
        self._levels[name] = (level if missing > 0 else level - tokens, now_s)
        if len(self._levels) > self._most:
            self._levels.popitem(last=False)
        return missing / self._per_s if missing > 0 else 0.0

    def charge(self, name: str, tokens: float) -> None:
        """Take tokens that may not be there: the next request waits for them. At most a whole burst."""
        now_s = self._clock()
        level, at_s = self._levels.pop(name, (self._burst, now_s))
        level = min(self._burst, level + (now_s - at_s) * self._per_s)
        self._levels[name] = (max(level - tokens, 0.0), now_s)

    def __len__(self) -> int:
        return len(self._levels)
