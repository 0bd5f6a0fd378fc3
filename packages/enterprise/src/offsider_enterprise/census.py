"""Holds the threads of all workers against the licence's number. It only ever warns: nothing is refused or stopped."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offsider import clock
from offsider.worker.service import PeriodicService
from offsider_pro.threads import count_threads

if TYPE_CHECKING:
    from offsider.worker.worker import Worker

log = logging.getLogger("offsider.enterprise")

EVERY_S = 300.0
DAY_S = 86_400.0


class ThreadCensus(PeriodicService):
    """At the start and every five minutes: how many threads work, and is it more than were bought?

    Args:
        worker: The process that asks.
        licensed: The licence's number.

    Attributes:
        licensed: The licence's number.
        threads: What the last count found; None before the first.
    """

    name = "thread census"

    def __init__(self, worker: Worker, licensed: int) -> None:
        super().__init__()
        self.licensed = licensed
        self.threads: int | None = None
        self._worker = worker
        self._quiet_until_s = 0.0

    def tick(self) -> float:
        """Count, and say it when it is too many, once a day."""
        worker = self._worker
        others = count_threads(worker.app.connections, worker.app.keys, but=worker.identity)
        self.threads = others + sum(capsule.concurrency for capsule in worker.capsules.values())
        if self.threads > self.licensed and clock.monotonic_s() >= self._quiet_until_s:
            self._quiet_until_s = clock.monotonic_s() + DAY_S
            log.warning(
                "%s worker threads run, and the licence is for %s. Nothing is stopped or slowed; lower the concurrency"
                " or extend the licence. `offsider license show` tells the count",
                f"{self.threads:,}",
                f"{self.licensed:,}",
            )
        return EVERY_S
