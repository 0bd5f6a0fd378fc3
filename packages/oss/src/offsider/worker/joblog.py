"""One line when a job starts and one when it ends. Costs nothing when the level is off."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from .. import clock
from ..job.outcome import Kind, Outcome
from ..job.sealing import shown

if TYPE_CHECKING:
    from .execution import Execution

log = logging.getLogger("offsider.job")

_LEVELS = logging.getLevelNamesMapping()


class JobLog:
    """The lines of jobs: ``extra`` carries class, jid, queue and elapsed seconds for the formatters.

    A job with a ``log_level`` of its own logs its INFO lines when that level allows it.
    """

    def wants(self, execution: Execution) -> bool:
        """True when the lines of a job's start and end are to be written; asked once a job."""
        level = execution.record.get("log_level")
        if level is None:
            return log.isEnabledFor(logging.INFO)
        return _LEVELS.get(level, logging.INFO) <= logging.INFO

    def start(self, execution: Execution) -> None:
        """The body is about to run, and the line is wanted."""
        self._say(logging.INFO, "start", execution)

    def done(self, execution: Execution) -> None:
        """The body has returned."""
        if self.wants(execution):
            self._say(logging.INFO, "done", execution)

    def cancelled(self, execution: Execution, reason: str) -> None:
        """The body asked to end."""
        if self.wants(execution):
            self._say(logging.INFO, f"cancelled: {reason}" if reason else "cancelled", execution)

    def snoozed(self, execution: Execution, delay_s: float) -> None:
        """The body asked for a later time."""
        if self.wants(execution):
            self._say(logging.INFO, f"snoozed for {delay_s:g} s", execution)

    def held(self, execution: Execution, delay_s: float, reason: str) -> None:
        """Something around the body said: not now."""
        if self.wants(execution):
            self._say(logging.INFO, f"held for {delay_s:g} s: {reason[:500]}", execution)

    def interrupted(self, execution: Execution, reason: str) -> None:
        """A resumable job has come to a yield, and goes on later."""
        if self.wants(execution):
            self._say(logging.INFO, f"interrupted: {reason[:500]}; goes on where it was", execution)

    def stopped(self, execution: Execution, signal: BaseException) -> None:
        """The body was stopped; its job runs again elsewhere."""
        self._say(logging.WARNING, f"stopped ({type(signal).__name__}), runs again", execution)

    def failed(self, execution: Execution, outcome: Outcome) -> None:
        """The body has raised."""
        error = outcome.error
        what = {
            Kind.RETRY: f"retry in {outcome.delay_s:.0f} s",
            Kind.DEAD: "dead: no retries left",
            Kind.DISCARDED: "discarded: no retries left and not kept",
        }[outcome.kind]
        record = outcome.record or {}
        text = f"failed with {type(error).__name__}: {str(shown(record, 'error_message'))[:500]}"
        self._say(logging.WARNING, f"{text}; {what}", execution)
        if not execution.job.hides(record):
            log.debug("traceback of %s", execution.jid, exc_info=error)

    @staticmethod
    def _say(level: int, text: str, execution: Execution) -> None:
        fields: dict[str, object] = {"job": execution.job.name, "jid": execution.jid, "queue": execution.queue}
        if execution.started_s:
            fields["elapsed_s"] = round(clock.monotonic_s() - execution.started_s, 3)
        tags = execution.record.get("tags")
        if tags:
            fields["tags"] = tags
        if log.isEnabledFor(level) or level == logging.INFO:
            record = log.makeRecord(log.name, level, __file__, 0, text, (), None, extra={"fields": fields})
            log.handle(record)
