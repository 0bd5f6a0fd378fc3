"""How long to wait before a retry."""

from __future__ import annotations

from random import Random


def delay_s(attempt: int, *, rng: Random) -> float:
    """Seconds to wait before retry number ``attempt`` (0 for the first).

    ``attempt**4 + 15`` plus up to ``10 * (attempt + 1)`` s of jitter: 25 attempts take about 20 days. Sidekiq's
    formula (Ruby, 8.x), kept so that mixed fleets behave alike.

    Example:
        >>> 15 <= delay_s(0, rng=Random(1)) < 25
        True
    """
    return float(attempt**4 + 15 + rng.randrange(10 * (attempt + 1)))
