"""The dead set: jobs with no retries left, kept to be looked at and run again by hand."""

from __future__ import annotations

from .search import DEAD
from .sets import SetOfJobs
from .where import EVERY, Where


class DeadSet(SetOfJobs):
    """What ``app.dead`` is.

    Bytes that are no job are not listed here: they lie in the quarantine, or were put here by another program.

    Example:
        >>> for job in app.dead.jobs():             # doctest: +SKIP
        ...     print(job.name, job.error)
        ...     app.dead.retry(job.jid)
    """

    place = DEAD
    newest_first = True

    def retry(self, jid: str) -> bool:
        """Put a dead job back into its queue; the attempt it gets uses none of its retries.

        Returns:
            True when it was there and is in its queue now; False when there is no such job (any more).

        Raises:
            StoreError: Redis is away or refuses; it may be repeated.
        """
        return self.run_now(jid)

    def retry_all(self, where: Where = EVERY) -> int:
        """Put all of them, or those that fit, back into their queues; returns how many.

        Raises:
            StoreError: Redis is away or refuses; what was done is done, and it may be repeated.
        """
        return self.run_all_now(where)
