"""The instant that a running job is for. Set around the runs of jobs of the crontab; others pay nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from offsider.contract.middleware import NextAsync, NextSync, ServerMiddleware
from offsider.job.record import Record

from .effect import FIELD
from .wall import utc

_instant: ContextVar[datetime | None] = ContextVar("cron_instant", default=None)
MOST_S = 1e11


def instant() -> datetime | None:
    """In a job that the crontab has enqueued: the instant that it is for, in UTC, however late it runs and is retried.

    The time at which somebody has run the entry by hand; None in every other job, and outside of one.

    Example:
        >>> instant() is None
        True
    """
    return _instant.get()


class CronInstant(ServerMiddleware):
    """Sets it."""

    fields = frozenset({FIELD})

    def call(self, execution: Any, next: NextSync) -> Any:
        """Around a ``def`` job."""
        with _set(execution.record):
            return next(execution)

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        """Around an ``async def`` job."""
        with _set(execution.record):
            return await next(execution)


@contextmanager
def _set(record: Record) -> Iterator[None]:
    token = _instant.set(read_instant(record))
    try:
        yield
    finally:
        _instant.reset(token)


def read_instant(record: Record) -> datetime | None:
    """The instant in a record; None in one that has none, or something else there."""
    cron = record.get(FIELD)
    at_s = cron.get("at") if isinstance(cron, dict) else None
    fits = isinstance(at_s, (int, float)) and not isinstance(at_s, bool) and abs(at_s) < MOST_S
    return utc(at_s) if at_s is not None and fits else None


def rows(job: Any) -> Iterator[tuple[str, str]]:
    """The row of a job's page: which entry it is of, and for when."""
    at = read_instant(job.record)
    if at is not None:
        yield "Crontab", f"{job.record[FIELD].get('name')}, {at.isoformat(timespec='seconds')}"
