"""What the edition makes for one app, and keeps for the workers of that app."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakSet, WeakValueDictionary

from .config import settings_of
from .leader.leadership import Leadership

if TYPE_CHECKING:
    from offsider import App
    from offsider.worker.worker import Worker

    from .leader.service import LeaderService

# By the app's id: its events hold them, so that they live as long as it does. They know it, so that held by a
# dictionary of ours they would keep it alive.
_made: WeakValueDictionary[int, Parts] = WeakValueDictionary()


class Parts:
    """The parts of one app: an app may have many workers, one after the other.

    Args:
        app: Whose.
    """

    def __init__(self, app: App) -> None:
        self.leadership = Leadership(app)
        self._standing: WeakSet[LeaderService] = WeakSet()
        _made[id(app)] = self

    def listen(self, app: App, by: str) -> None:
        """Hear the events of the app."""
        app.events.on("startup", self._close, by=by)
        app.events.on("quiet", self._look, by=by)

    def lead(self, worker: Worker, by: str) -> None:
        """A worker's part in the election, when it may lead, and what it does when it does."""
        from .leader.duty_service import DutyService
        from .leader.service import LeaderService

        settings = settings_of(worker.app)
        if not settings.leader:
            return
        service = LeaderService(worker, self.leadership, settings.leader_lease_s)
        self._standing.add(service)
        worker.services.add("leader", service, by=by)
        worker.services.add("leader duties", DutyService(self.leadership, self.leadership.duties), by=by)
        worker.heartbeat_fields.add("leader", service.number, by=by)

    def _look(self) -> None:
        for service in self._standing:
            service.wake()

    def _close(self) -> None:
        self.leadership.duties.close()


def parts_of(app: App) -> Parts:
    """The parts of an app that has this edition."""
    return _made[id(app)]
