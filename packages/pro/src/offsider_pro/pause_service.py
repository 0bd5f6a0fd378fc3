"""The background loop of a worker that looks at what is paused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offsider.worker.service import PeriodicService

from .pause import EVERY_S

if TYPE_CHECKING:
    from offsider.worker.worker import Worker

    from .pause_view import PauseView


class PauseService(PeriodicService):
    """Looks every two seconds, with one request, and wakes the worker when something has changed.

    Args:
        view: What is kept up to date.
        worker: Who works by it.
    """

    name = "pauses"

    def __init__(self, view: PauseView, worker: Worker) -> None:
        super().__init__(longest_pause_s=EVERY_S)
        self._view = view
        self._worker = worker
        self._seen: int | None = None

    def tick(self) -> float:
        """Look once."""
        self._view.refresh()
        if self._view.changes != self._seen:
            self._seen = self._view.changes
            self._worker.rewire()
            self._worker.wake()
        return EVERY_S

    def release(self) -> None:
        """Drop the connection."""
        self._view.close()
