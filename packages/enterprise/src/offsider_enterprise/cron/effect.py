"""What the crontab does in the script that pushes one of its jobs: the run is noted, and the entry goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from offsider.contract.effects import PUSH, Effect, Move, Word
from offsider.errors import OffsiderError
from offsider.job.record import Record

from ..keys import EnterpriseKeys
from .run import Run

FIELD = "cron"


class NotFired(OffsiderError):
    """A run of an entry was not for this process to enqueue; caught by who fires."""


@dataclass(frozen=True, slots=True)
class Firing:
    """One run on its way.

    Attributes:
        name: The entry's.
        rev: Its revision; empty for a run by hand.
        due_s, next_s: The instant that it is due for, and the one after it.
        run: As its history is to keep it.
        keep: How many runs are kept.
    """

    name: str
    rev: str
    due_s: float
    next_s: float
    run: Run
    keep: int


class CronEffect(Effect):
    """Knows the runs that this process is about to enqueue, by the jobs' ids; every other job costs nothing."""

    fields = frozenset({FIELD})

    def __init__(self) -> None:
        self._firing: dict[str, Firing] = {}
        self._lock = threading.Lock()

    @property
    def lua(self) -> str:  # type: ignore[override]
        """The chunk."""
        return _chunk()

    @contextmanager
    def firing(self, jid: str, firing: Firing) -> Iterator[None]:
        """While this lasts a push of this job is a run of an entry."""
        with self._lock:
            self._firing[jid] = firing
        try:
            yield
        finally:
            with self._lock:
                del self._firing[jid]

    def ask(self, move: Move) -> tuple[tuple[str, ...], tuple[Word, ...]] | None:
        """Keys and arguments, of a push by who fires."""
        firing = self._firing.get(str(move.record["jid"])) if move.kind == PUSH else None
        if firing is None:
            return None
        keys = EnterpriseKeys(move.keys)
        run = firing.run
        words = (firing.name, firing.rev, firing.due_s, firing.next_s, run.at_s, run.to_json(), firing.keep)
        queue = move.keys.queue(str(move.record["queue"]))
        return (keys.cron_due, keys.cron_entry(firing.name), keys.cron_runs(firing.name), queue), words

    def refused(self, record: Record, said: str) -> Exception | None:
        """For who fires."""
        return NotFired(f"run of cron entry {record[FIELD]['name']!r} was not enqueued: {said}")


@cache
def _chunk() -> str:
    return (files("offsider_enterprise.cron") / "effect.lua").read_text(encoding="utf-8")
