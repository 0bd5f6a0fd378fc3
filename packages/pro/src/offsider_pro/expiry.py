"""Expiring jobs: a deadline that travels with the job, and the end of one that would start after it.

Never decides by the clock of a machine: deadlines are in the time of the Redis server.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from offsider import Cancel, OptionSpec, clock
from offsider.contract.middleware import ClientMiddleware, NextAsync, NextPush, NextSync, ServerMiddleware
from offsider.contract.work import Hold
from offsider.errors import InvalidOption, shown
from offsider.job.define import epoch_s
from offsider.job.options import seconds

if TYPE_CHECKING:
    from offsider.job.push import PushRequest
    from offsider.job.record import Record

    from .server_time import ServerTime

log = logging.getLogger("offsider.pro")

EDITION = "pro"
MOST_MS = 1e14
NO_TIME_S = 2.0

Heard = Callable[["Record", str, int], None]
"""A job has expired: its record, its queue, its deadline in ms."""


def expires_in(value: object) -> float | None:
    """The value of the option ``expires_in`` for the payload: seconds; None for a job that never expires.

    Raises:
        InvalidOption: It is no duration, or no time at all.

    Example:
        >>> expires_in(90)
        90.0
    """
    if value is None:
        return None
    duration_s = seconds(value, "expires_in")
    if duration_s == 0:
        raise InvalidOption(f"expires_in is {shown(value)}: the job would never run; expected more than 0 seconds")
    return duration_s


def expires_at(value: object) -> int | None:
    """The value of the option ``expires_at`` for the payload: milliseconds since 1970; None for none.

    Raises:
        InvalidOption: It is neither an aware `datetime` nor seconds since 1970.

    Example:
        >>> expires_at(datetime(2026, 12, 24, tzinfo=UTC))
        1798070400000
    """
    if value is None:
        return None
    try:
        at_s = epoch_s(value)
    except InvalidOption as error:
        raise InvalidOption(f"expires_at: {error}") from None
    if not 0 < at_s < MOST_MS / 1000:
        raise InvalidOption(f"expires_at is {shown(value)}: expected a time after 1970")
    return round(at_s * 1000)


OPTIONS = (
    OptionSpec("expires_in", EDITION, expires_in),
    OptionSpec("expires_at", EDITION, expires_at),
)


class StampExpiry(ClientMiddleware):
    """Turns ``expires_in`` into ``expires_at``, and says that the job needs this edition to be ended in time.

    Args:
        time: The server's.
    """

    fields = frozenset({"expires_at", "expires_in"})

    def __init__(self, time: ServerTime) -> None:
        self._time = time

    def push(self, request: PushRequest, next: NextPush) -> PushRequest | None:
        """Stamp the deadline of a job that has one."""
        self._stamp(request, request.record)
        return next(request)

    def _stamp(self, request: PushRequest, record: Record) -> None:
        after_s, at_ms = record.pop("expires_in", None), record.pop("expires_at", None)
        if at_ms is None and after_s is None:
            return  # using(expires_in=None): this one is to run whenever it is its turn
        due_ms = _due_ms(request)
        if at_ms is None:
            at_ms = max(due_ms, self._now_ms()) + round(after_s * 1000)
        elif due_ms >= at_ms:
            raise InvalidOption(
                f"job {request.job.name!r} is due at {_shown(due_ms)} and expires at {_shown(at_ms)}: it would never"
                " run. Give it a later expires_at, or expires_in, which counts from the time it is due"
            )
        record["expires_at"] = at_ms
        needs = record.get("needs") or []
        record["needs"] = needs if EDITION in needs else [*needs, EDITION]

    def _now_ms(self) -> int:
        now_ms = self._time.now_ms()
        if now_ms is None:  # the push that follows needs Redis, too, and says what is wrong with it
            now_ms = clock.now_ms()
            log.warning("a deadline is set by this machine's clock: Redis has not told its time yet")
        return now_ms


class DropExpired(ServerMiddleware):
    """Ends a job that would start after its deadline. That is no failure.

    Args:
        time: The server's.
        heard: Called for each job that has expired.

    Attributes:
        listeners: All that are called.
    """

    fields: ClassVar[frozenset[str]] = frozenset({"expires_at", "expires_in"})

    def __init__(self, time: ServerTime, *heard: Heard) -> None:
        self._time = time
        self.listeners = list(heard)

    def call(self, execution: Any, next: NextSync) -> Any:
        """Around a ``def`` job."""
        return self._ended(execution) or next(execution)

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        """Around an ``async def`` job."""
        return self._ended(execution) or await next(execution)

    def _ended(self, execution: Any) -> Cancel | None:
        """The end of a job whose time is over; None for one that may start."""
        record = execution.record
        deadline_ms = deadline_of(record)
        if deadline_ms is None:
            return None
        now_ms = self._time.now_ms()
        if now_ms is None:
            if hasattr(execution, "unit"):
                raise Hold("it expires, and Redis has not told its time yet", delay_s=NO_TIME_S)
            now_ms = clock.now_ms()  # an inline run: this machine's clock has set the deadline, just now
        if now_ms <= deadline_ms:
            return None
        for heard in self.listeners:
            heard(record, execution.queue, deadline_ms)
        return Cancel(f"it expired at {_shown(deadline_ms)}, {(now_ms - deadline_ms) / 1000:.1f} s before its start")

    def reason(self, _app: Any, record: Record, place: str) -> str | None:
        """Why a job does not run, when its deadline has passed: for whoever asks."""
        deadline_ms = deadline_of(record) if place in ("queue", "schedule", "retry") else None
        now_ms = None if deadline_ms is None else self._time.now_ms()  # which may have to be waited for
        if deadline_ms is None or now_ms is None:
            return None
        if now_ms <= deadline_ms:
            return f"it expires at {_shown(deadline_ms)}: it has to start before that, or not at all"
        return f"it expired at {_shown(deadline_ms)}: a worker ends it when it takes it"


def deadline_of(record: Record) -> int | None:
    """When a job expires, ms by the server; None for never.

    A job of Ruby's Sidekiq has ``expires_in`` only: that counts from the time at which it came into its queue, and
    after a failure from the first one, which is the latest that the time it was pushed for can have been.

    Raises:
        InvalidOption: The payload has a deadline that is none: the job fails, so that somebody looks at it.

    Example:
        >>> deadline_of({"enqueued_at": 1_755_432_000_000, "expires_in": 60})
        1755432060000
    """
    stamp = record.get("expires_at")
    if stamp is not None:
        return round(_number(stamp, "expires_at"))
    after_s = record.get("expires_in")
    if after_s is None:
        return None
    for field in ("failed_at", "enqueued_at", "created_at"):
        since = record.get(field)
        if since is not None:
            since_ms = _number(since, field) * (1000 if isinstance(since, float) else 1)
            return round(since_ms + _number(after_s, "expires_in") * 1000)
    return None


def _number(value: object, field: str) -> float:
    if type(value) in (int, float) and 0 <= value < MOST_MS and math.isfinite(value):  # type: ignore[operator, arg-type]
        return value  # type: ignore[return-value]
    raise InvalidOption(f"{field!r} in the payload is {shown(value)}: expected a number from 0 to {MOST_MS:g}")


def _due_ms(request: PushRequest) -> int:
    """When the job is due, as the push sees it; 0 for now."""
    if request.at_s is None or request.at_s <= clock.now_s():
        return 0
    return round(request.at_s * 1000)


def _shown(ms: float) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")
