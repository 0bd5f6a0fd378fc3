"""The table of contents of this edition: every registration it makes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from offsider.contract.edition import Edition
from offsider_pro.license import LicenseGate

from .config import EnterpriseSettings
from .cron import install as cron
from .encryption import install as encryption
from .invariant import EnterpriseInvariant
from .parts import Parts, parts_of
from .scripts import all_scripts
from .unique import install as unique

if TYPE_CHECKING:
    from offsider import App
    from offsider.web.web import Web
    from offsider.worker.worker import Worker


class EnterpriseEdition(Edition):
    """Offsider Enterprise, on top of Pro.

    Args:
        license: A licence's text, the path of its file, or ``"evaluation"``; looked for in the usual places when None.
        encryption_keys: Gives a key for encryption by its name, as 32 bytes or as base64, and None for one that there
            is not; for who keeps keys elsewhere than in the environment and in files.

    Attributes:
        gate: Its licence.
    """

    name = "enterprise"
    needs = ("pro",)

    def __init__(
        self,
        license: str | os.PathLike[str] | None = None,
        *,
        encryption_keys: Callable[[str], bytes | str | None] | None = None,
    ) -> None:
        self.gate = LicenseGate(self.name, license)
        self._encryption_keys = encryption_keys

    def install(self, app: App) -> None:
        """In every process: the licence first; its number is for the doctor. Settings, scripts, events."""
        held = self.gate.check()
        app.config_sections.add(self.name, EnterpriseSettings, by=self.name)
        for script in all_scripts():
            app.scripts.add(script.name, script, by=self.name)
        Parts(app).listen(app, self.name)
        app.invariants.add(self.name, EnterpriseInvariant(), by=self.name)
        encryption.install(app, self._encryption_keys, self.name)
        unique.install(app, self.name)
        cron.install(app, self.name)
        if held.threads is not None:
            from .thread_check import NAME, thread_check

            app.checks.add(NAME, thread_check(held.threads), by=self.name)

    def install_worker(self, worker: Worker) -> None:
        """In a worker: its part in the election."""
        self.gate.watch(worker)
        parts_of(worker.app).lead(worker, self.name)
        parts_of(worker.app).tell_time(worker, self.name)
        encryption.install_worker(worker, self.name)
        unique.install_worker(worker, self.name)
        if self.gate.license is not None and self.gate.license.threads is not None:
            from .census import ThreadCensus

            census = ThreadCensus(worker, self.gate.license.threads)
            worker.services.add("thread census", census, by=self.name)
            worker.heartbeat_fields.add("license_threads", lambda: census.licensed, by=self.name)

    def install_web(self, web: Web) -> None:
        """In a web process: what there is to say of the licence, where it is another one than Pro's, and of threads."""
        self.gate.speak()
        from offsider_pro.license_banner import LicenseBanner

        web.banners.add("enterprise.license", LicenseBanner(self.gate), by=self.name)
        cron.install_web(web, self.name)
        unique.install_web(web, self.name)
        if self.gate.license is not None and self.gate.license.threads is not None:
            from .thread_check import thread_banner

            web.banners.add("enterprise.threads", thread_banner(web.checkup), by=self.name)

    def install_cli(self, cli: Any) -> None:
        """On the command line."""
        from .encryption import commands
        from .leader import options

        cli.commands.add("encryption", commands.encryption, by=self.name)
        unique.install_cli(cli, self.name)
        cron.install_cli(cli, self.name)
        options.install_cli(cli, self.name)
