"""The one shape of a background loop: start, tick every so often, stop."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod

from .. import clock
from ..errors import StoreError
from .patience import LONGEST_PAUSE_S, Patience

log = logging.getLogger("offsider.worker")

WAKE_EVERY_S = 0.05


class PeriodicService(ABC):
    """A thread that calls `tick` again and again; subclasses say what and how often.

    An error of Redis is waited out; any other error of `tick` is logged with the service's name and the loop goes
    on. `stop` tolerates not-started and twice.
    """

    name = "service"

    def __init__(self, *, longest_pause_s: float = LONGEST_PAUSE_S) -> None:
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._patience = Patience(self.name, longest_pause_s=longest_pause_s)

    @abstractmethod
    def tick(self) -> float:
        """Do one round; returns how many seconds to wait before the next."""

    def start(self) -> None:
        """Start the thread."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name=f"offsider-{self.name}", daemon=True)
            self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End the loop and wait for it."""
        self._stop.set()
        thread, until_s = self._thread, clock.monotonic_s() + timeout_s
        while thread is not None and thread.is_alive() and clock.monotonic_s() < until_s:
            self.wake()  # again: the first time it may have been between two waits
            thread.join(WAKE_EVERY_S)
        self.release()

    def release(self) -> None:  # noqa: B027 - most have nothing to do
        """Let go of connections; called by `stop` at its end, also twice, also when the loop has not ended in time."""

    def wake(self) -> None:  # noqa: B027 - most have nothing to do
        """End the pause early; for services that wait on something else than the clock."""

    def pause(self, seconds: float) -> None:
        """Wait between two rounds; ends at once when the service is stopped."""
        self._stop.wait(seconds)

    @property
    def stopping(self) -> bool:
        """True once `stop` was called."""
        return self._stop.is_set()

    def _loop(self) -> None:
        while not self._stop.is_set():
            try:
                seconds = self.tick()
                self._patience.recovered()
                self.pause(seconds)
            except StoreError as error:
                if not self.stopping:
                    self._stop.wait(self._patience.note(error))
            except Exception:
                log.exception("the service %s failed; it goes on", self.name)
                self._stop.wait(1.0)
