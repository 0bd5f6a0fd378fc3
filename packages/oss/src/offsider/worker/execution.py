"""One job in hand: what is known about it while it runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ..contract.work import Hold, Settlement, UnitOfWork
from ..errors import JobCancelled, LostJob, Shutdown
from ..job.define import Job
from ..job.record import Record

if TYPE_CHECKING:
    from .capsule import Capsule


class Execution:
    """One attempt at one job: handed through the server middleware, listed in the work set.

    Attributes:
        unit: Its place in the in-flight hash, with the raw payload.
        record: The payload, parsed. Changes to it are not kept: a retry starts from the raw payload.
        job: The registered job.
        started_s: When the body started, on the clock of `offsider.clock.monotonic_s`.
        took_s: How long the body ran; set at its end.
        failed: True for an attempt that has failed; None for what is no attempt: it was held, stopped or cancelled.
        lost: True once the job is no longer ours: its effects on Redis are refused.
        progress: ``(done, total, note)`` as the body reported it last.
        cancelled: True once somebody has asked to end this attempt.
        told: True once the body has been told so; when it returns then, it has ended as cancelled.
        watched: True when its end is looked at whatever it returns: it is cancelled, or its result is kept.
        usual: True for one without any rare field in its record, read at a glance.
        settlement: How it ended; None while it runs, and when it is not ours to settle.
    """

    # Defaults of the class, not of each instance: most of them are never set, and a million are made a minute.
    started_s = 0.0
    took_s = 0.0
    failed: bool | None = False
    lost = False
    usual = False
    cancelled = False
    told = False
    watched = False
    progress: tuple[float, float, str] | None = None
    settlement: Settlement | None = None
    stopper: Any = None  # the task that runs the body, while it runs

    def __init__(
        self,
        unit: UnitOfWork,
        record: Record,
        job: Job[..., Any],
        capsule: Capsule,
        args: list[Any],
        kwargs: dict[str, Any],
    ) -> None:
        self.unit = unit
        self.record = record
        self.job = job
        self.capsule = capsule
        self.args = args
        self.kwargs = kwargs

    @property
    def jid(self) -> str:
        """The job's id, stable over retries."""
        return str(self.record["jid"])

    def hears_cancel(self) -> bool:
        """Whether somebody has asked to end this attempt; the body is told with the answer."""
        if self.cancelled:
            self.told = True
        return self.cancelled

    def is_stopped_by(self, error: BaseException) -> bool:
        """Whether what comes out of the body means that it was stopped, held or cancelled, and not that it has failed.

        An ``async def`` body whose time is over ends with a cancellation, too: that is a failure.
        """
        if (self.cancelled and not self.lost) or isinstance(error, (Hold, JobCancelled)):
            return True
        if isinstance(error, LostJob):
            return self.lost
        return isinstance(error, (Shutdown, asyncio.CancelledError)) and self.capsule.interrupting

    @property
    def queue(self) -> str:
        """The queue it was taken from."""
        return self.unit.queue
