"""What a loop does while it fails, mostly because Redis is away: wait, say so now and then, say when it is over."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

from .. import clock
from ..errors import StoreError

log = logging.getLogger("offsider.worker")

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0
SAY_EVERY_S = 5.0


class Patience:
    """Back-off of one loop: 0.1 s doubling to 2 s, one log line in 5 s."""

    def __init__(
        self,
        who: str,
        on_outage: Callable[[float], None] | None = None,
        *,
        longest_pause_s: float = LONGEST_PAUSE_S,
    ) -> None:
        self._who = who
        self._longest_pause_s = longest_pause_s
        self._on_outage = on_outage
        self._down_since_s: float | None = None
        self._said_s = 0.0
        self._pause_s = FIRST_PAUSE_S

    def note(self, error: Exception) -> float:
        """How many seconds to wait now."""
        return self._next_pause_s(error)

    def pause(self, error: Exception, wake: SimpleQueue[None]) -> None:
        """Wait a while, or until somebody puts something into ``wake``."""
        with contextlib.suppress(Empty):
            wake.get(timeout=self._next_pause_s(error))

    def hold(self, error: Exception) -> None:
        """Wait a while, whatever happens."""
        time.sleep(self._next_pause_s(error))

    def recovered(self) -> None:
        """Redis has answered."""
        if self._down_since_s is not None:
            log.warning("%s: all is well again after %.1f s", self._who, clock.monotonic_s() - self._down_since_s)
            self._down_since_s = None
            self._pause_s = FIRST_PAUSE_S

    def _next_pause_s(self, error: Exception) -> float:
        now_s = clock.monotonic_s()
        if self._down_since_s is None:
            self._down_since_s = now_s
            self._said_s = 0.0
        if now_s - self._said_s >= SAY_EVERY_S:
            self._said_s = now_s
            # An error that is none of Redis' own is a defect: its traceback says where.
            unexpected = None if isinstance(error, StoreError) else error
            log.error("%s: %s; trying again", self._who, error, exc_info=unexpected)
        if self._on_outage is not None:
            self._on_outage(now_s - self._down_since_s)
        pause_s = self._pause_s
        self._pause_s = min(2 * pause_s, self._longest_pause_s)
        return min(pause_s, self._longest_pause_s)
