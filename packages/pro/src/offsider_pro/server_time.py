"""The time of the Redis server, as this process knows it: deadlines that two machines look at are in no machine's own.

Asks once at the first need and again after a minute; between two answers it counts on the monotonic clock, so that a
clock that somebody sets changes nothing. That clock stands still while a machine sleeps, which the other one shows.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offsider import clock
from offsider.errors import OffsiderError

if TYPE_CHECKING:
    from offsider import App

log = logging.getLogger("offsider.pro")

FRESH_S = 60.0
AGAIN_S = 5.0  # after a question without an answer
PATIENCE_S = 1.0
JUMP_S = 2.0  # between the two clocks of this machine: one was set, or the machine has slept


@dataclass(frozen=True, slots=True)
class _Answer:
    server_ms: float
    monotonic_s: float
    wall_s: float

    def age_s(self) -> float:
        """How long ago it came, as far as the machine was awake."""
        return clock.monotonic_s() - self.monotonic_s

    def jumped(self) -> bool:
        """True when the clocks of this machine disagree on how long ago that was."""
        return abs(clock.now_s() - self.wall_s - self.age_s()) > JUMP_S


class ServerTime:
    """The server's clock, for any thread and any event loop of this process.

    * the first question is waited for, for a second at most, and one after a jump of this machine's clocks; others are
      asked in the background;
    * an event loop is kept waiting once: not again before a question has been answered;
    * while Redis is away the last answer counts: the two clocks drift by milliseconds a minute;
    * an embedded server has this machine's clock and is not asked.

    Args:
        app: Whose Redis; it may connect later.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._answer: _Answer | None = None
        self._asking: threading.Thread | None = None
        self._failed_s: float | None = None

    def now_ms(self) -> int | None:
        """Milliseconds since 1970 by the server; None while it has never answered.

        Blocks for up to a second at the first call, or after a jump of this machine's clocks.
        """
        if self._is_ours():
            return clock.now_ms()
        answer = self._answer
        unsure = answer is None or answer.jumped()
        if unsure or (answer is not None and answer.age_s() > FRESH_S):
            asking = self._ask()
            if unsure and asking is not None and self._may_wait():
                asking.join(PATIENCE_S)
                answer = self._answer
        return None if answer is None else round(answer.server_ms + answer.age_s() * 1000)

    def _may_wait(self) -> bool:
        """A thread may, each time. On a loop, everything else would stand still for as long as Redis is away."""
        return self._failed_s is None or asyncio._get_running_loop() is None

    def _is_ours(self) -> bool:
        return self._app.settings.redis.url is None

    def _ask(self) -> threading.Thread | None:
        """The thread that asks; None when it is too early after a question without an answer."""
        with self._lock:
            if self._asking is not None and self._asking.is_alive():  # the thread of a parent that has forked is not
                return self._asking
            if self._failed_s is not None and clock.monotonic_s() - self._failed_s < AGAIN_S:
                return None
            self._asking = threading.Thread(target=self._question, name="offsider-server-time", daemon=True)
            self._asking.start()
            return self._asking

    def _question(self) -> None:
        half_s = PATIENCE_S / 2
        wire = self._app.connections.wire("server time", read_timeout_s=half_s, connect_timeout_s=half_s)
        try:
            wire.command("PING")  # connects, so that what follows is measured without it
            before_s = clock.monotonic_s()
            seconds, microseconds = wire.command("TIME")
            middle_s = (before_s + clock.monotonic_s()) / 2
            wall_s = clock.now_s()
        except OffsiderError as error:
            self._failed_s = clock.monotonic_s()
            log.warning("Redis has not told its time (%s): the last answer counts", error)
            return
        finally:
            wire.close()
        self._failed_s = None
        self._answer = _Answer(int(seconds) * 1000 + int(microseconds) / 1000, middle_s, wall_s)
