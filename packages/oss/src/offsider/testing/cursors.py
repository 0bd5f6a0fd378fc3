"""Cursors of resumable jobs, in memory: what Redis keeps of them. Knows how to die at one of their yields."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .death import Crash

if TYPE_CHECKING:
    from ..worker.execution import Execution


class MemoryCursors:
    """What a worker's `KeptCursors` is to its bodies; a cursor is kept at each yield.

    Attributes:
        yields: How many were kept since the last `die_at`.
        crashed: True once a simulated death has happened.

    Example:
        >>> MemoryCursors().read("0123")
        {}
    """

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, str]] = {}
        self._dying: set[str] = set()
        self._lock = threading.Lock()
        self._fatal = 0
        self._after = False
        self.yields = 0
        self.crashed = False

    def die_at(self, number: int, *, after: bool) -> None:
        """Die at a yield from now on, before or after its cursor is kept."""
        with self._lock:
            self._fatal, self._after, self.yields, self.crashed = number, after, 0, False

    def live(self) -> None:
        """Die no more."""
        with self._lock:
            self._fatal = 0

    def read(self, jid: str) -> dict[str, str]:
        """The fields of a job; a new run lives."""
        with self._lock:
            self._dying.discard(jid)
            return dict(self._kept.get(jid, {}))

    def keep(self, execution: Execution, _owner: str, fields: Mapping[str, str], _payload: bytes) -> tuple[bool, bool]:
        """Keep the fields of a job, or die."""
        jid = execution.jid
        with self._lock:
            if jid in self._dying:  # its last words, of a process that is gone
                raise Crash("simulated, and nothing is kept after it")
            self.yields += 1
            fatal = self.yields == self._fatal
            if not fatal or self._after:
                self._kept.setdefault(jid, {}).update(fields)
            if fatal:
                self.crashed = True
                self._dying.add(jid)
                when = "after" if self._after else "before"
                raise Crash(f"simulated, {when} the cursor of yield {self._fatal} was kept")
        return True, False

    def forget(self, execution: Execution) -> None:
        """The job is over."""
        with self._lock:
            self._kept.pop(execution.jid, None)
