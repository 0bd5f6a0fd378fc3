"""What happened to a job, as a value. Settled in one place, the processor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from .options import seconds
from .record import Record


@dataclass(frozen=True, slots=True)
class Snooze:
    """Returned by a job: try again later, without using an attempt.

    Args:
        delay: Seconds, or a `timedelta`.

    Example:
        >>> Snooze(timedelta(minutes=1)).delay_s
        60.0
    """

    delay: float | timedelta

    @property
    def delay_s(self) -> float:
        """The delay in seconds; never negative.

        Raises:
            InvalidOption: It is no duration: the job has failed, and is retried.
        """
        delay: object = self.delay.total_seconds() if isinstance(self.delay, timedelta) else self.delay
        if isinstance(delay, (int, float)) and delay < 0:
            return 0.0
        return seconds(delay, "Snooze(delay)")


@dataclass(frozen=True, slots=True)
class Cancel:
    """Returned by a job: end it here; this is no failure.

    Args:
        reason: For the log.
    """

    reason: str = ""


class Kind(Enum):
    """The ends an attempt can have."""

    DONE = "done"
    RETRY = "retry"
    DEAD = "dead"
    DISCARDED = "discarded"
    SNOOZED = "snoozed"
    CANCELLED = "cancelled"
    HELD = "held"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One end: its kind, and what that kind needs.

    Example:
        >>> Outcome.cancelled("user deleted").kind
        <Kind.CANCELLED: 'cancelled'>
    """

    kind: Kind
    delay_s: float = 0.0
    record: Record | None = None
    error: BaseException | None = None
    reason: str = ""

    @classmethod
    def done(cls) -> Outcome:
        """The body returned."""
        return cls(Kind.DONE)

    @classmethod
    def retry(cls, delay_s: float, record: Record, error: BaseException) -> Outcome:
        """The body failed and gets another attempt."""
        return cls(Kind.RETRY, delay_s, record, error)

    @classmethod
    def dead(cls, record: Record, error: BaseException) -> Outcome:
        """The body failed for the last time; the job is kept in the dead set."""
        return cls(Kind.DEAD, 0.0, record, error)

    @classmethod
    def discarded(cls, record: Record, error: BaseException) -> Outcome:
        """The body failed for the last time; the job is not kept."""
        return cls(Kind.DISCARDED, 0.0, record, error)

    @classmethod
    def snoozed(cls, delay_s: float, record: Record) -> Outcome:
        """The body asked for a later time."""
        return cls(Kind.SNOOZED, delay_s, record)

    @classmethod
    def cancelled(cls, reason: str = "") -> Outcome:
        """The body asked to end here."""
        return cls(Kind.CANCELLED, reason=reason)

    @classmethod
    def held(cls, delay_s: float, record: Record, reason: str) -> Outcome:
        """Something around the body said: not now."""
        return cls(Kind.HELD, delay_s, record, reason=reason)

    @classmethod
    def interrupted(cls, record: Record | None, reason: str) -> Outcome:
        """A resumable job goes on later: at the end of its queue with a record, else as it is, and next."""
        return cls(Kind.INTERRUPTED, record=record, reason=reason)
