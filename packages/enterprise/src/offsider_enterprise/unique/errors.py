"""What unique jobs raise."""

from __future__ import annotations

from offsider.errors import JobError


class EnqueueRejected(JobError):
    """Another job holds the lock; nothing was enqueued. Only raised for `Unique(raises=True)`; else the id is None.

    Attributes:
        holder: The id of the job that holds it.
    """

    def __init__(self, message: str, holder: str) -> None:
        super().__init__(message)
        self.holder = holder
