"""Keeps the locks honest: one process at a time looks whether holders are there, and forgets what is over."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from offsider.worker.service import PeriodicService

from .keys import UniqueKeys
from .liveness import Liveness
from .scripts import script_of

if TYPE_CHECKING:
    from offsider.worker.worker import Worker

log = logging.getLogger("offsider.enterprise")

PAUSE_S = 0.02
SOON_S = 5.0
TURN_S = 60
MOST_SWEPT = 1000


class LockCheck(PeriodicService):
    """Every so often, in whichever process has the turn; a process that dies loses it within a minute.

    Args:
        worker: Whose process.
        every_s: How often.

    Attributes:
        ended: How many locks of jobs that were gone were ended by this process.
    """

    name = "unique locks"

    def __init__(self, worker: Worker, every_s: float) -> None:
        super().__init__()
        self._app = worker.app
        self._me = worker.identity
        self._every_s = every_s
        self._keys = UniqueKeys(worker.app.keys)
        self._liveness = Liveness(worker.app)
        self._steps: Iterator[int] | None = None
        self.ended = 0

    def tick(self) -> float:
        """One request of a look that is under way, or the beginning of one; returns seconds until the next."""
        if self._steps is None:
            if not self._has_turn():
                return self._every_s
            self._sweep()
            self._steps = self._liveness.steps()
        try:
            return self._step(self._steps)
        except BaseException:
            self._steps = None
            raise

    def _step(self, steps: Iterator[int]) -> float:
        for count in steps:
            if count:
                self.ended += count
                log.warning("unique locks of jobs that are nowhere were ended: %d", count)
            return PAUSE_S
        self._steps = None
        return min(SOON_S, self._every_s) if self._liveness.suspects else self._every_s

    def _has_turn(self) -> bool:
        with self._app.desk.wire() as wire:
            keep_s = max(TURN_S, round(2 * self._every_s))
            if wire.command("SET", self._keys.turn, self._me, "EX", keep_s, "NX") is not None:
                return True
            if wire.command("GET", self._keys.turn) != self._me.encode():
                return False
            return bool(wire.command("EXPIRE", self._keys.turn, keep_s))

    def _sweep(self) -> None:
        keys = [self._keys.locks, self._keys.deadlines, self._keys.waiting, self._keys.replaced]
        with self._app.desk.wire() as wire:
            while int(wire.run(script_of(self._app, "unique_sweep"), keys, [MOST_SWEPT])) == MOST_SWEPT:
                if self.stopping:
                    return
