"""Does the leader's duties: functions that run every so often, on one process at a time."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offsider import clock
from offsider.errors import StoreError
from offsider.worker.service import PeriodicService

if TYPE_CHECKING:
    from offsider.contract.seams import Registry

    from .duty import Duty
    from .leadership import Leadership, Term

log = logging.getLogger("offsider.enterprise")

LOOK_EVERY_S = 1.0


class DutyService(PeriodicService):
    """Does the duties while this process leads, on a thread of its own: a slow one does not cost the lease.

    A duty that fails is logged with its owner, and the others go on.

    Args:
        leadership: Says whether this process leads.
        duties: What there is to do.
    """

    name = "leader duties"

    def __init__(self, leadership: Leadership, duties: Registry[Duty]) -> None:
        super().__init__()
        self._leadership = leadership
        self._duties = duties
        self._term: Term | None = None
        self._due_s: dict[str, float] = {}

    def tick(self) -> float:
        """Do what is due."""
        term = self._leadership.term
        if term is None:
            return LOOK_EVERY_S
        if term is not self._term:
            self._term, self._due_s = term, {}
        for name, duty in self._duties.items():
            now_s = clock.monotonic_s()
            if term.holds and not self.stopping and self._due_s.get(name, 0.0) <= now_s:
                self._due_s[name] = now_s + duty.every_s
                self._do(name, duty, term)
        return LOOK_EVERY_S

    def _do(self, name: str, duty: Duty, term: Term) -> None:
        try:
            duty.run(term)
        except StoreError as error:
            log.warning("the leader's duty %r of %s: %s; it is tried again", name, self._duties.owner(name), error)
        except Exception:
            log.exception("the leader's duty %r of %s failed; the others go on", name, self._duties.owner(name))
