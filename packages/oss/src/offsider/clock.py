"""The only reader of time in this house. Imports nothing of it."""

from __future__ import annotations

import time


def now_s() -> float:
    """Seconds since 1970, UTC."""
    return time.time()


def now_ms() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


monotonic_s = time.monotonic
"""Seconds on a clock that nobody sets: for durations and deadlines. Asked several times a job, so no call around it."""


def utc_day() -> str:
    """Today in UTC, ``YYYY-MM-DD``."""
    return time.strftime("%Y-%m-%d", time.gmtime())
