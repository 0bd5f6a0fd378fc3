"""The one shape of a background loop: start, tick every so often, stop."""

from __future__ import annotations

import logging
import threading

from ..errors import StoreError
from .patience import Patience

log = logging.getLogger("offsider.worker")


class PeriodicService:
    """A thread that calls `tick` again and again; subclasses say what and how often.

    An error of Redis is waited out; any other error of `tick` is logged with the service's name and the loop goes
    on. `stop` tolerates not-started and twice.
    """

    name = "service"

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._patience = Patience(self.name)

    def tick(self) -> float:
        """Do one round; returns how many seconds to wait before the next."""
        raise NotImplementedError(f"{type(self).__name__} must define tick()")

    def start(self) -> None:
        """Start the thread."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name=f"offsider-{self.name}", daemon=True)
            self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End the loop and wait for it."""
        self._stop.set()
        self.wake()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def wake(self) -> None:
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
