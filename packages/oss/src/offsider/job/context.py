"""What a running job may ask and say. Never talks to Redis itself."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite

from ..errors import JobCancelled, LostJob

MOST_NOTE = 1000  # characters


def _never() -> bool:
    return False


def _always() -> bool:
    return True


def _unheard(done: float, total: float, note: str) -> None:
    """Progress of a direct call goes nowhere."""


class Context:
    """The attempt that is running.

    A parameter annotated with `Context` is filled in by the worker and is not part of the wire. Give it the default
    `CONTEXT`, so that callers and type checkers need not pass it and a direct call just runs.

    Attributes:
        jid: The job's id, stable over retries: the key to make effects idempotent.
        name: The job's name.
        queue: Where it was taken from.
        attempt: 0 for the first.
        tags: As enqueued.
        enqueued_ms: When it came into its queue; None when unknown.

    Example:
        >>> def resize(path: str, ctx: Context = CONTEXT) -> int:
        ...     ctx.progress(1, 2, "reading")
        ...     return ctx.attempt
        >>> resize("a.png")
        0
    """

    __slots__ = (
        "_cancelled",
        "_ours",
        "_progress",
        "_stopping",
        "attempt",
        "enqueued_ms",
        "jid",
        "name",
        "queue",
        "tags",
    )

    def __init__(
        self,
        *,
        jid: str = "",
        name: str = "",
        queue: str = "",
        attempt: int = 0,
        tags: tuple[str, ...] = (),
        enqueued_ms: int | None = None,
        stopping: Callable[[], bool] = _never,
        cancelled: Callable[[], bool] = _never,
        ours: Callable[[], bool] = _always,
        progress: Callable[[float, float, str], None] = _unheard,
    ) -> None:
        self.jid = jid
        self.name = name
        self.queue = queue
        self.attempt = attempt
        self.tags = tags
        self.enqueued_ms = enqueued_ms
        self._stopping = stopping
        self._cancelled = cancelled
        self._ours = ours
        self._progress = progress

    @property
    def stopping(self) -> bool:
        """True once this process is about to stop, or the job was cancelled: a long job may end its round here."""
        return self._stopping()

    @property
    def cancelled(self) -> bool:
        """True once somebody has asked to end this job. A body that returns then has ended as cancelled."""
        return self._cancelled()

    def still_ours(self) -> bool:
        """False once the job was given to another process: an effect from here would be a second one."""
        return self._ours()

    def check(self) -> None:
        """Call it before an effect that must not happen twice, and now and then in a long job.

        Raises:
            LostJob: The job runs elsewhere.
            JobCancelled: Somebody has asked to end it. No `Exception`: let it pass.
        """
        if not self._ours():
            raise LostJob(f"job {self.name!r} ({self.jid}) was given to another process; stop without an effect")
        if self._cancelled():
            raise JobCancelled(f"job {self.name!r} ({self.jid}) was cancelled; stop without an effect")

    def progress(self, done: float, total: float, note: str = "") -> None:
        """Say how far the job is; shown in the list of running jobs with the next heartbeat.

        Args:
            done: So much of it.
            total: All of it, in the same unit.
            note: A few words.
        """
        if not (isfinite(done) and isfinite(total)):
            raise ValueError(f"progress({done!r}, {total!r}): expected two finite numbers, e.g. 3 of 10")
        self._progress(float(done), float(total), str(note)[:MOST_NOTE])


CONTEXT = Context()
"""The context of a direct call: nothing stops it, nobody listens to its progress."""
