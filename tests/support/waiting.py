"""Waiting for something to become true, without sleeping blindly."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_tick = threading.Event()


def until(true: Callable[[], object], timeout_s: float = 15.0, what: str = "") -> None:
    """Return as soon as ``true()`` is; fail with the reason after ``timeout_s``."""
    end_s = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > end_s:
            raise AssertionError(f"not within {timeout_s} s: {what or getattr(true, '__doc__', None) or true}")
        _tick.wait(0.005)
