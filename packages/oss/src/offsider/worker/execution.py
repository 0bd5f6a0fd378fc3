"""One job in hand: what is known about it while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..contract.work import Settlement, UnitOfWork
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
        lost: True once the job is no longer ours: its effects on Redis are refused.
        progress: ``(done, total, note)`` as the body reported it last.
        settlement: How it ended; None while it runs, and when it is not ours to settle.
    """

    __slots__ = (
        *("args", "capsule", "job", "kwargs", "lost", "progress", "record", "settlement", "started_s", "stopper"),
        "unit",
    )

    def __init__(self, unit: UnitOfWork, record: Record, job: Job[..., Any], capsule: Capsule) -> None:
        self.unit = unit
        self.record = record
        self.job = job
        self.capsule = capsule
        self.args: list[Any] = []
        self.kwargs: dict[str, Any] = {}
        self.started_s = 0.0
        self.lost = False
        self.progress: tuple[float, float, str] | None = None
        self.settlement: Settlement | None = None
        self.stopper: Any = None  # the thread's id or the task that runs the body, while it runs

    @property
    def jid(self) -> str:
        """The job's id, stable over retries."""
        return str(self.record["jid"])

    @property
    def queue(self) -> str:
        """The queue it was taken from."""
        return self.unit.queue
