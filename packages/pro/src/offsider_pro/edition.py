"""The table of contents of this edition: every registration it makes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakValueDictionary

from offsider.contract.edition import Edition

from . import replicas
from .config import ProSettings
from .expiry import OPTIONS
from .invariant import ProInvariant
from .license import LicenseGate
from .parts import Parts
from .pause_view import reason as pause_reason
from .reliable.suspects import reason as suspect_reason
from .scripts import all_scripts
from .spool.check import SpoolCheck

if TYPE_CHECKING:
    from offsider import App
    from offsider.web.web import Web
    from offsider.worker.worker import Worker

    from .job_metrics import Tags
    from .statsd import Client


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
        # By the app's id: its events hold them, so that they live as long as it does. They know it, so that held by a
        # dictionary of ours they would keep it alive for as long as the edition.
        self._parts: WeakValueDictionary[int, Parts] = WeakValueDictionary()

    def install(self, app: App) -> None:
        """In every process: the licence first; options, settings, scripts, and what stands around each job."""
        self.gate.check()
        app.config_sections.add(self.name, ProSettings, by=self.name)
        for script in all_scripts():
            app.scripts.add(script.name, script, by=self.name)
        for option in (*OPTIONS, *replicas.OPTIONS):
            app.job_options.add(option.name, option, by=self.name)
        parts = self._parts[id(app)] = Parts(app, self._statsd_tags)
        app.client_middleware.add("pro.expiry", parts.stamp, by=self.name)
        app.client_middleware.add("pro.replicas", replicas.WaitForReplicas(), by=self.name)
        app.server_middleware.add("pro.expiry", parts.drop, by=self.name)
        parts.listen(app, self.name)
        app.reasons.add("pro.pause", pause_reason, by=self.name)
        app.reasons.add("pro.expiry", parts.drop.reason, by=self.name)
        app.reasons.add("pro.suspect", suspect_reason, by=self.name)
        app.invariants.add("pro", ProInvariant(), by=self.name)
        app.undelivered.fill(parts.spools.keeper, by=self.name)
        app.checks.add("pro.spool", SpoolCheck(parts.spools), by=self.name)
        app.checks.add("pro.replicas", replicas.check, by=self.name)

    def install_worker(self, worker: Worker) -> None:
        """In a worker: what is paused, and metrics."""
        self.gate.watch(worker)
        from .pause_service import PauseService
        from .spool.spools import SpoolService

        parts = self._parts[id(worker.app)]
        parts.workers.add(worker)
        worker.queue_filters.add("pro.pause", parts.pauses.held, by=self.name)
        worker.services.add("pro.pauses", PauseService(parts.pauses, worker), by=self.name)
        worker.services.add("pro.spool", SpoolService(parts.spools), by=self.name)
        worker.heartbeat_fields.add("spool", lambda: parts.spools.depth().jobs, by=self.name)
        parts.measure(worker, self._statsd, self.name)
        parts.meter(worker, self.name)
        worker.server_middleware.add("pro.pause", parts.hold, by=self.name, after="pro.expiry")
        parts.reliability.install(worker, self.name)

    def install_web(self, web: Web) -> None:
        """In a web process: its log and its pages hear of the licence."""
        self.gate.speak()
        from .license_banner import LicenseBanner
        from .reliable import page as reliability
        from .worker_metrics import page as costs

        web.banners.add("pro.license", LicenseBanner(self.gate), by=self.name)
        costs.show(web, self.name)
        reliability.show(web, self.name)

    def install_cli(self, cli: Any) -> None:
        """On the command line."""
        from .cli.deaths import deaths
        from .cli.delete import delete
        from .cli.license import license_group
        from .cli.pause import pause, paused, resume

        self.gate.hold()
        cli.commands.add("license", license_group, by=self.name)
        for command in (deaths, delete, pause, resume, paused):
            cli.commands.add(str(command.name), command, by=self.name)
