"""What every page says of the licence: what the log says, for those who read no log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from offsider.contract.findings import PROBLEM, WARNING
from offsider.contract.web import Notice
from offsider_licensing.explain import notice

if TYPE_CHECKING:
    from .license import LicenseGate


class LicenseBanner:
    """A line while there is something to say; nothing while all is well. Editions of one licence say the same.

    Args:
        gate: Has the licence.
    """

    def __init__(self, gate: LicenseGate) -> None:
        self._gate = gate

    def __call__(self) -> Iterator[Notice]:
        """What is to be said now."""
        standing = self._gate.standing()
        line = None if self._gate.license is None or standing is None else notice(self._gate.license, standing)
        if line is not None:
            text = line.text[:1].upper() + line.text[1:]
            yield Notice(text, PROBLEM if line.level >= logging.ERROR else WARNING)
