"""The schedule and the retries: jobs that wait for their time."""

from __future__ import annotations

from .search import RETRY, SCHEDULE
from .sets import WaitingSet
from .where import EVERY, Where


class ScheduledSet(WaitingSet):
    """What ``app.scheduled`` is: jobs that were enqueued for later, snoozed, put back or held.

    Example:
        >>> for job in app.scheduled.jobs(count=20):            # doctest: +SKIP
        ...     print(job.at_s, job.name, job.args)
    """

    place = SCHEDULE


class RetrySet(WaitingSet):
    """What ``app.retries`` is: jobs that have failed and are tried again.

    Example:
        >>> app.retries.retry_all(Where(error="ConnectionError"))   # doctest: +SKIP
        120
    """

    place = RETRY

    def retry(self, jid: str) -> bool:
        """`run_now`: try a job again at once, without using one of its retries."""
        return self.run_now(jid)

    def retry_all(self, where: Where = EVERY) -> int:
        """`run_all_now`: try all of them, or those that fit, again at once; returns how many."""
        return self.run_all_now(where)
