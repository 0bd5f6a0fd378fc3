"""What the edition makes for one app, and keeps for the workers of that app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from .expired import ExpiredJobs
from .expiry import DropExpired, StampExpiry
from .job_metrics import JobMetrics, Tags
from .pause_view import HoldPaused, PauseView
from .reliable.install import Reliability
from .server_time import ServerTime
from .spool.spools import Spools
from .statsd import Statsd, connect

if TYPE_CHECKING:
    from offsider import App
    from offsider.worker.worker import Worker

    from .config import ProSettings


class Parts:
    """The parts of one app.

    An app may have many workers, one after the other, and its events are closed when the first one starts: so what
    hears of events is made here, with the app.

    Args:
        app: Whose.
        tags: Further tags of metrics.

    Attributes:
        workers: Those that were made.
    """

    def __init__(self, app: App, tags: Tags | None) -> None:
        self.time = ServerTime(app)
        self.expired = ExpiredJobs(app)
        self.statsd = Statsd()
        self.metrics = JobMetrics(self.statsd, tags)
        self.stamp = StampExpiry(self.time)
        self.drop = DropExpired(self.time, self.expired.note, self.metrics.expired)
        self.pauses = PauseView(app)
        self.hold = HoldPaused(self.pauses)
        self.spools = Spools(app, self.metrics.delivered)
        self.reliability = Reliability()
        self.workers: WeakSet[Worker] = WeakSet()

    def listen(self, app: App, by: str) -> None:
        """Hear the events of the app."""
        app.events.on("startup", self.time.now_ms, by=by)
        app.events.on("startup", self._look, by=by)
        app.events.on("beat", self.expired.write, by=by)
        app.events.on("exit", self.expired.write, by=by)
        self.reliability.listen(app, by)
        app.events.on("beat", self._gauge, by=by)
        self.metrics.listen(app)

    def _gauge(self) -> None:
        if not self.statsd.silent:
            self.metrics.spooled(self.spools.depth().jobs)

    def _look(self) -> None:
        """What is paused, before the first job is fetched."""
        self.pauses.refresh()
        for worker in self.workers:
            worker.rewire()

    def measure(self, worker: Worker, client: Any, by: str) -> None:
        """Metrics, when there is a client, or a setting that says where to."""
        settings: Any = worker.app.settings
        pro: ProSettings = settings.pro
        if client is None and pro.statsd is None:
            return
        if self.statsd.silent:
            self.statsd.use(
                client or connect(str(pro.statsd)),
                prefix=pro.statsd_prefix,
                tags=pro.statsd_tags,
                distributions=pro.statsd_distributions,
            )
        worker.server_middleware.add("pro.statsd", self.metrics, by=by, after="pro.expiry")

    def meter(self, worker: Worker, by: str) -> None:
        """What jobs cost, unless that is switched off."""
        from .worker_metrics.sink import add_meter

        settings: Any = worker.app.settings
        if settings.pro.costs:
            told = None if self.statsd.silent else self.metrics.cost
            add_meter(worker, settings.pro.costs_every_s, told, by)
