"""The table of contents of this edition: every registration it makes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from offsider.contract.edition import Edition
from offsider_pro.license import LicenseGate

if TYPE_CHECKING:
    from offsider import App
    from offsider.worker.worker import Worker


class EnterpriseEdition(Edition):
    """Offsider Enterprise, on top of Pro.

    Args:
        license: A licence's text, the path of its file, or ``"evaluation"``; looked for in the usual places when None.

    Attributes:
        gate: Its licence.
    """

    name = "enterprise"
    needs = ("pro",)

    def __init__(self, license: str | os.PathLike[str] | None = None) -> None:
        self.gate = LicenseGate(self.name, license)

    def install(self, app: App) -> None:  # noqa: ARG002
        """In every process: the licence first."""
        self.gate.check()

    def install_worker(self, worker: Worker) -> None:
        """In a worker."""
        self.gate.watch(worker)
        if self.gate.license is not None and self.gate.license.threads is not None:
            from .census import ThreadCensus

            census = ThreadCensus(worker, self.gate.license.threads)
            worker.services.add("thread census", census, by=self.name)
            worker.heartbeat_fields.add("license_threads", lambda: census.licensed, by=self.name)
