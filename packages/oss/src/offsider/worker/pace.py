"""How many jobs a capsule may hold: its free slots, and a little more while jobs take microseconds.

It measures and decides; it looks at no job itself.
"""

from __future__ import annotations

SURPLUS_S = 0.002  # never more work in hand than this, beyond the free slots
MOST_SURPLUS = 500
WINDOW_S = 0.005  # a rate measured over less than this overshoots
SHORT_S = 0.00005  # a body under this has computed and not waited: a thread of its own would gain nothing
MOST_LONG = 0.2  # of the time in bodies that are not short


class Pace:
    """The measured rate of a capsule, and the work in hand it allows.

    A job must never wait behind a long one while another worker is idle. So a surplus is allowed only while the
    rate says that it is under 2 ms of work: at 50,000 jobs a second 100 jobs, at 400 jobs a second none.

    Attributes:
        allowed: How many jobs may be in hand.
        brisk: True while bodies are so short that one thread runs them faster than several.

    Example:
        >>> pace = Pace(10)
        >>> pace.allowed
        10
    """

    def __init__(self, concurrency: int) -> None:
        self.allowed = concurrency
        self.brisk = False
        self._concurrency = concurrency
        self._count = 0
        self._long_s = 0.0
        self._since_s = 0.0

    def done(self, count: int, now_s: float, long_s: float = 0.0) -> None:
        """Count jobs that have ended.

        Args:
            count: How many.
            now_s: The time, monotonic.
            long_s: The time in bodies of more than `SHORT_S`, together.
        """
        self._count += count
        self._long_s += long_s
        passed_s = now_s - self._since_s
        if passed_s < WINDOW_S:
            return
        rate = self._count / passed_s
        surplus = min(int(rate * SURPLUS_S), MOST_SURPLUS)
        self.allowed = self._concurrency + surplus
        self.brisk = surplus > 0 and self._long_s <= MOST_LONG * passed_s
        self._count, self._long_s = 0, 0.0
        self._since_s = now_s

    def forget(self) -> None:
        """The jobs in hand turned out long: back to the free slots."""
        self.allowed = self._concurrency
        self.brisk = False
        self._count, self._long_s = 0, 0.0
