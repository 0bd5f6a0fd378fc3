"""Looks at the licence's end while a worker runs. It only ever says something: a running process is never stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offsider.worker.service import PeriodicService

if TYPE_CHECKING:
    from .license import LicenseGate

EVERY_S = 3_600.0


class LicenseWatch(PeriodicService):
    """Every hour: has the day's line been said?

    Attributes:
        license: The licence that it looks at.
    """

    name = "license"

    def __init__(self, gate: LicenseGate) -> None:
        super().__init__()
        self._gate = gate
        self.license = gate.license

    def start(self) -> None:
        """The worker has its log by now."""
        self._gate.speak()
        super().start()

    def tick(self) -> float:
        """Say it, if it is time."""
        self._gate.tell()
        return EVERY_S
