"""The table of contents of this edition: every registration it makes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from offsider.contract.edition import Edition

from .config import ProSettings
from .expired import ExpiredJobs
from .expiry import OPTIONS, DropExpired, StampExpiry
from .license import LicenseGate
from .scripts import all_scripts
from .server_time import ServerTime

if TYPE_CHECKING:
    from offsider import App
    from offsider.worker.worker import Worker

    from .job_metrics import Tags
    from .statsd import Client


@dataclass(slots=True)
class _Parts:
    """What was made for one app."""

    time: ServerTime
    expired: ExpiredJobs
    drop: DropExpired


class ProEdition(Edition):
    """Offsider Pro.

    Args:
        license: A licence's text, the path of its file, or ``"evaluation"``; looked for in the usual places when None.
        statsd: A statsd client of yours for the metrics of jobs; without it the setting ``pro.statsd`` says where to.
        statsd_tags: Further tags of a job: a function of its name, its record and its queue.

    Attributes:
        gate: Its licence.

    Example:
        >>> ProEdition().name
        'pro'
    """

    name: ClassVar[str] = "pro"

    def __init__(
        self,
        license: str | os.PathLike[str] | None = None,
        *,
        statsd: Client | None = None,
        statsd_tags: Tags | None = None,
    ) -> None:
        self.gate = LicenseGate(self.name, license)
        self._statsd = statsd
        self._statsd_tags = statsd_tags
        self._parts: dict[App, _Parts] = {}

    def install(self, app: App) -> None:
        """In every process: the licence first; options, settings, scripts, and what stands around each job."""
        self.gate.check()
        app.config_sections.add(self.name, ProSettings, by=self.name)
        for script in all_scripts():
            app.scripts.add(script.name, script, by=self.name)
        self._install_expiry(app)

    def _install_expiry(self, app: App) -> None:
        time, expired = ServerTime(app), ExpiredJobs(app)
        drop = DropExpired(time, expired.note)
        self._parts[app] = _Parts(time, expired, drop)
        for option in OPTIONS:
            app.job_options.add(option.name, option, by=self.name)
        app.client_middleware.add("pro.expiry", StampExpiry(time), by=self.name)
        app.server_middleware.add("pro.expiry", drop, by=self.name)
        app.events.on("beat", expired.write, by=self.name)
        app.events.on("exit", expired.write, by=self.name)

    def install_worker(self, worker: Worker) -> None:
        """In a worker: the time before the first job needs it, and metrics."""
        self.gate.watch(worker)
        parts = self._parts[worker.app]
        worker.app.events.on("startup", parts.time.now_ms, by=self.name)
        self._install_statsd(worker, parts)

    def _install_statsd(self, worker: Worker, parts: _Parts) -> None:
        settings: Any = worker.app.settings
        client = self._statsd
        if client is None and settings.pro.statsd is None:
            return
        from .job_metrics import JobMetrics
        from .statsd import Statsd, connect

        pro: ProSettings = settings.pro
        metrics = JobMetrics(
            Statsd(
                connect(str(pro.statsd)) if client is None else client,
                prefix=pro.statsd_prefix,
                tags=pro.statsd_tags,
                distributions=pro.statsd_distributions,
            ),
            self._statsd_tags,
        )
        metrics.listen(worker.app)
        parts.drop.listeners.append(metrics.expired)
        worker.server_middleware.add("pro.statsd", metrics, by=self.name, after="pro.expiry")

    def install_web(self, web: Any) -> None:  # noqa: ARG002
        """In a web process: its log hears of the licence."""
        self.gate.speak()

    def install_cli(self, cli: Any) -> None:
        """On the command line."""
        from .cli.license import license_group

        self.gate.hold()
        cli.commands.add("license", license_group, by=self.name)
