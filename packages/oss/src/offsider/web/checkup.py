"""What the doctor has found lately: looked at beside the pages, and never while somebody waits for one."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from .. import clock
from ..api.doctor import Diagnosis, doctor
from ..contract.findings import LEVELS, PROBLEM, WARNING, Finding

if TYPE_CHECKING:
    from ..app import App

log = logging.getLogger("offsider")

EVERY_S = 60.0


class Checkup:
    """The doctor's last diagnosis. Who asks for one that is old gets it, and another is made in a thread.

    Args:
        app: Whose.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._last: Diagnosis | None = None
        self._asked_s: float | None = None
        self._lock = threading.Lock()

    def last(self) -> Diagnosis | None:
        """The last one; None before the first."""
        with self._lock:
            now_s = clock.monotonic_s()
            due = self._asked_s is None or now_s - self._asked_s >= EVERY_S
            if due:
                self._asked_s = now_s
        if due:
            threading.Thread(target=self._examine, name="offsider-doctor", daemon=True).start()
        return self._last

    def serious(self) -> list[Finding]:
        """Warnings and problems, the worst first."""
        diagnosis = self.last()
        found = [one for one in (diagnosis.findings if diagnosis else ()) if one.level in (WARNING, PROBLEM)]
        return sorted(found, key=lambda one: -LEVELS.index(one.level))

    def now(self) -> Diagnosis:
        """Look, and wait for it."""
        self._last = doctor(self._app)
        return self._last

    def _examine(self) -> None:
        try:
            self.now()
        except Exception:
            log.exception("the doctor of the web pages could not look; the pages go on")
