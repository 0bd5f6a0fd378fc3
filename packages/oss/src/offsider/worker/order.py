"""In which order a capsule looks at its queues. Never talks to Redis."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Literal

Mode = Literal["strict", "random", "weighted"]


def mode_of(weights: Mapping[str, int]) -> Mode:
    """``strict`` when no queue has a weight, ``random`` when all weigh 1, else ``weighted``."""
    if not any(weights.values()):
        return "strict"
    return "random" if set(weights.values()) == {1} else "weighted"


class QueueOrder:
    """The order for each fetch.

    ``strict``: as written; a lower queue waits until the higher ones are empty. ``random`` and ``weighted``:
    drawn anew for each fetch; a queue with weight 3 is three times as likely to be looked at first as one with
    weight 1 (Sidekiq's rule: a weight is a chance to be first, not a share of the throughput).

    Example:
        >>> QueueOrder({"high": 0, "low": 0}).next()
        ['high', 'low']
    """

    def __init__(self, weights: Mapping[str, int], *, rng: Random | None = None) -> None:
        self.weights = dict(weights)
        self.names = list(weights)
        self.mode: Mode = mode_of(weights)
        self._rng = rng or Random()
        self._fixed = self.mode == "strict" or len(self.names) == 1
        self._tickets = [name for name, weight in weights.items() for _ in range(max(weight, 1))]

    def next(self) -> list[str]:
        """The queue names, the one to look at first first."""
        if self._fixed:
            return self.names
        return list(dict.fromkeys(self._rng.sample(self._tickets, len(self._tickets))))
