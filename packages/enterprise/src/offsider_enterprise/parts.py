"""What the edition makes for one app, and keeps for the workers of that app."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING
from weakref import WeakSet, WeakValueDictionary

from offsider.job.options import OptionSpec

from .config import settings_of
from .cron.declared import option
from .cron.effect import FIELD, CronEffect
from .cron.instant import CronInstant
from .cron.tidy import EVERY_S, Tidy
from .leader.duty import Duty
from .leader.leadership import Leadership

if TYPE_CHECKING:
    from offsider import App
    from offsider.worker.worker import Worker

    from .cron.entry import Entry
    from .cron.fire import Fire
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
        self._app = app
        self.leadership = Leadership(app)
        self.cron = CronEffect()
        self.entries: dict[str, Entry] = {}
        self._standing: WeakSet[LeaderService] = WeakSet()
        _made[id(app)] = self

    @cached_property
    def fire(self) -> Fire:
        """What enqueues runs of the crontab; made when the settings are known."""
        from .cron.fire import Fire

        return Fire(self._app, self.cron)

    def listen(self, app: App, by: str) -> None:
        """Hear the events of the app, and stand around its jobs."""
        app.events.declare("leader", by=by)
        app.events.on("startup", self._begin, by=by)
        app.events.on("quiet", self._look, by=by)
        app.job_options.add(FIELD, OptionSpec(FIELD, by, option, wire=False), by=by)
        app.effects.add("enterprise.cron", self.cron, by=by)
        app.server_middleware.add("enterprise.cron", CronInstant(), by=by)
        self.leadership.duties.add("cron", Duty(Tidy(app), EVERY_S), by=by)

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

    def tell_time(self, worker: Worker, by: str) -> None:
        """A worker's part in the crontab."""
        from .cron.service import CronService

        worker.services.add("cron", CronService(worker, self.leadership, self.fire, self.entries), by=by)

    def _begin(self) -> None:
        """Before the first job is fetched: what is wrong with an entry stops the start."""
        from .cron.crontab import Crontab

        self.leadership.duties.close()
        self.entries.clear()
        self.entries.update(Crontab(self._app).declare())


def parts_of(app: App) -> Parts:
    """The parts of an app that has this edition."""
    return _made[id(app)]
