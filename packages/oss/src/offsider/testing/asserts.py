"""What a test says of enqueued jobs, with a message that shows what is there instead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from .. import clock
from ..errors import InvalidOption
from ..job.define import BoundJob, Enqueuer, Job, epoch_s
from .fakejob import FakeJob
from .memory import FakeJobs

SAME_TIME_S = 2.0
MOST_SHOWN = 10

When = float | datetime | timedelta | None


def assert_enqueued(
    job: Enqueuer[..., Any],
    *args: Any,
    queue: str | None = None,
    at: When = ...,  # type: ignore[assignment]
    count: int | None = None,
    using: dict[str, Any] | None = None,
    **kwargs: Any,
) -> FakeJob:
    """Fail unless a job waits that was enqueued so.

    Args:
        job: The job.
        args, kwargs: The call, as it was enqueued; ``unittest.mock.ANY`` fits everything. Without any: whatever call.
        queue: The queue it must be in.
        at: When it must be due, within 2 s: a time, or a `timedelta` from now; None for a job that is due now.
        count: So many of them; None for one or more.
        using: More fields of its record, e.g. ``{"tags": ["a"]}``.

    Returns:
        The first one that fits.

    Raises:
        AssertionError: None fits, or not so many; the message shows each that is there and where it differs.
        InvalidOption: The app of the job is not in `fake`.

    Example:
        >>> from offsider import App
        >>> from offsider.testing import fake
        >>> app = App(editions=[])
        >>> @app.job(name="welcome")
        ... def welcome(user: str, *, locale: str = "en") -> None: ...
        >>> with fake(app):
        ...     jid = welcome.using(queue="mail").enqueue("Ada", locale="de")
        ...     assert_enqueued(welcome, "Ada", locale="de", queue="mail").jid == jid
        True
    """
    wanted = _Wanted(job, args, kwargs, queue, at, using or {})
    there = jobs_of(job).of(job)
    fitting = [one for one in there if not wanted.differences(one)]
    if (count is None and fitting) or (count is not None and len(fitting) == count):
        return fitting[0] if fitting else there[0] if there else _nothing(job)
    raise AssertionError(wanted.message(there, len(fitting), count))


def assert_not_enqueued(job: Enqueuer[..., Any]) -> None:
    """Fail when a job waits.

    Raises:
        AssertionError: It does; the message shows each.
        InvalidOption: The app of the job is not in `fake`.

    Example:
        >>> from offsider import App
        >>> from offsider.testing import fake
        >>> app = App(editions=[])
        >>> @app.job
        ... def welcome(user: str) -> None: ...
        >>> with fake(app):
        ...     assert_not_enqueued(welcome)
    """
    there = jobs_of(job).of(job)
    if there:
        lines = "\n".join(f"  {one!r}" for one in there[:MOST_SHOWN])
        raise AssertionError(f"{job.job_name} was enqueued {len(there)} times; expected never:\n{lines}")


def jobs_of(job: Enqueuer[..., Any]) -> FakeJobs:
    """The jobs in memory of the app that a job belongs to.

    Raises:
        InvalidOption: The app is not in `fake`.
    """
    pusher: Any = job.pusher
    pusher = getattr(pusher, "within", pusher)
    if isinstance(pusher, FakeJobs):
        return pusher
    raise InvalidOption(
        f"the app of {job.job_name!r} is not in fake mode: there is nothing to look at. Use the fixture `jobs`, or"
        " `with fake(app):` around what enqueues and what asserts"
    )


class _Wanted:
    """What is looked for, and where a job differs from it."""

    def __init__(
        self,
        job: Enqueuer[..., Any],
        args: Sequence[Any],
        kwargs: dict[str, Any],
        queue: str | None,
        at: Any,
        fields: dict[str, Any],
    ) -> None:
        self._job: Job[..., Any] = job._job if isinstance(job, (Job, BoundJob)) else _no_job(job)
        self._any = not args and not kwargs
        self._call: tuple[list[Any], dict[str, Any]] = (
            ([], {}) if self._any else self._job.arguments.bound(args, kwargs)
        )
        self._queue = queue
        self._at = at
        self._fields = fields

    def differences(self, one: FakeJob) -> list[str]:
        """Where a job differs, one line each."""
        found = [] if self._any else _of_calls(self._call, (one.args, one.kwargs))
        if self._queue not in (None, one.queue):
            found.append(f"queue is {one.queue!r}, not {self._queue!r}")
        if self._at is not ... and not self._is_due(one.at_s):
            found.append(f"due {_shown_time(one.at_s)}, not {_shown_time(self._at)}")
        for name, value in self._fields.items():
            if one.record.get(name) != value:
                found.append(f"{name} is {one.record.get(name)!r}, not {value!r}")
        return found

    def _is_due(self, at_s: float | None) -> bool:
        if self._at is None or at_s is None:
            return self._at is None and at_s is None
        wanted_s = clock.now_s() + self._at.total_seconds() if isinstance(self._at, timedelta) else epoch_s(self._at)
        return abs(at_s - wanted_s) <= SAME_TIME_S

    def message(self, there: Sequence[FakeJob], fitting: int, count: int | None) -> str:
        """What was looked for, and each job that is there with where it differs."""
        call = "(any arguments)" if self._any else _shown_call(self._call)
        wanted = f"{self._job.name}{call}"
        if self._queue is not None:
            wanted += f" in queue {self._queue!r}"
        if self._at is not ...:
            wanted += f" due {_shown_time(self._at)}"
        head = f"expected {'at least one' if count is None else count}, found {fitting}: {wanted}"
        if not there:
            return f"{head}\nno {self._job.name} was enqueued at all"
        lines = [f"{head}\nenqueued were {len(there)}:"]
        for number, one in enumerate(there[:MOST_SHOWN], 1):
            lines.append(f"  {number}. {one!r}")
            lines += [f"       {line}" for line in self.differences(one)] or ["       fits"]
        if len(there) > MOST_SHOWN:
            lines.append(f"  … and {len(there) - MOST_SHOWN} more")
        return "\n".join(lines)


def _of_calls(wanted: tuple[list[Any], dict[str, Any]], found: tuple[list[Any], dict[str, Any]]) -> list[str]:
    lines = []
    missing = object()
    for k in range(max(len(wanted[0]), len(found[0]))):
        a = wanted[0][k] if k < len(wanted[0]) else missing
        b = found[0][k] if k < len(found[0]) else missing
        if a != b:
            lines.append(f"argument {k} is {_or_missing(b, missing)}, not {_or_missing(a, missing)}")
    for name in dict.fromkeys([*wanted[1], *found[1]]):
        a, b = wanted[1].get(name, missing), found[1].get(name, missing)
        if a != b:
            lines.append(f"{name}= is {_or_missing(b, missing)}, not {_or_missing(a, missing)}")
    return lines


def _or_missing(value: Any, missing: object) -> str:
    return "not given" if value is missing else repr(value)


def _shown_call(call: tuple[list[Any], dict[str, Any]]) -> str:
    return f"({', '.join([*map(repr, call[0]), *(f'{name}={value!r}' for name, value in call[1].items())])})"


def _shown_time(at: Any) -> str:
    if at is None:
        return "now"
    if isinstance(at, timedelta):
        return f"in {at.total_seconds():g} s"
    return f"in {epoch_s(at) - clock.now_s():.0f} s"


def _nothing(job: Enqueuer[..., Any]) -> FakeJob:
    raise InvalidOption(f"count=0 has no job to return: use assert_not_enqueued({job.job_name})")


def _no_job(job: object) -> Job[..., Any]:
    raise InvalidOption(f"{job!r} is no job: expected what app.job made, or its using(…)")
