"""The time of the Redis server, as this process knows it: deadlines that two machines look at are in no machine's own.

Asks once at the first need and again after a minute; between two answers it counts on the monotonic clock, so that a
clock that somebody sets changes nothing.
"""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class _Answer:
    server_ms: float
    monotonic_s: float


class ServerTime:
    """The server's clock, for any thread and any event loop of this process.

    * the first question is waited for, for a second at most; later ones are asked in the background;
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
        self._asked_s: float | None = None

    def now_ms(self) -> int | None:
        """Milliseconds since 1970 by the server; None while it has never answered.

        Blocks for up to a second at the first call, and never after an answer.
        """
        if self._is_ours():
            return clock.now_ms()
        now_s = clock.monotonic_s()
        answer = self._answer
        if answer is None or now_s - answer.monotonic_s > FRESH_S:
            asking = self._ask(now_s)
            if answer is None and asking is not None:
                asking.join(PATIENCE_S)
                answer = self._answer
        if answer is None:
            return None
        return round(answer.server_ms + (clock.monotonic_s() - answer.monotonic_s) * 1000)

    def _is_ours(self) -> bool:
        return self._app.settings.redis.url is None

    def _ask(self, now_s: float) -> threading.Thread | None:
        """The thread that asks; None when it is too early after a question without an answer."""
        with self._lock:
            if self._asking is not None and self._asking.is_alive():  # the thread of a parent that has forked is not
                return self._asking
            if self._asked_s is not None and now_s - self._asked_s < AGAIN_S:
                return None
            self._asked_s = now_s
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
        except OffsiderError as error:
            log.warning("Redis has not told its time (%s): the last answer counts", error)
            return
        finally:
            wire.close()
        self._answer = _Answer(int(seconds) * 1000 + int(microseconds) / 1000, middle_s)
