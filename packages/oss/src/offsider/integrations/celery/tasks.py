"""Celery's way to define and to call tasks, for jobs: code that is not rewritten yet goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ... import clock
from ...errors import InvalidOption, UnknownOption, shown, suggest
from ...job.options import Retry

if TYPE_CHECKING:
    from ...app import App
    from ...job.define import Job

DEFAULT_RETRIES, DEFAULT_DELAY_S = 3, 180.0  # Celery's
# What Offsider does by itself, or has no use for: an acknowledgement comes at the end, results are not kept.
DROPPED = frozenset({"acks_late", "reject_on_worker_lost", "ignore_result", "track_started", "retry_policy"})
ADVICE = {
    "bind": "take `ctx: Context = CONTEXT` instead of self: ctx.jid, ctx.attempt; raise instead of self.retry()",
    "base": "write what it does as a server middleware, or as a function around the body",
    "rate_limit": "leave it out; what limits jobs is not a part of their definition here",
    "priority": "give urgent jobs a queue of their own: queue=…",
    "serializer": "leave it out: arguments are JSON",
    "link": "enqueue the next job at the end of the body",
    "link_error": "use on_exhausted= of the job, or the event death",
    "task_id": "leave it out: the id is the job's own, and is returned",
    "routing_key": "name the queue: queue=…",
    "exchange": "name the queue: queue=…",
}
_TASK = ("name", "queue", "max_retries", "default_retry_delay", "autoretry_for", "time_limit", "soft_time_limit")
_CALL = ("countdown", "eta", "expires", "queue")


class Tasks:
    """What a module's ``Celery`` app was: ``tasks.task`` makes jobs that have ``delay`` and ``apply_async``.

    Args:
        app: The app whose jobs they are.

    Example:
        >>> from offsider import App
        >>> tasks = Tasks(App(editions=[]))
        >>> @tasks.task(name="shop.add", queue="sums")
        ... def add(a: int, b: int) -> int:
        ...     return a + b
        >>> add(1, 2), add.job.name
        (3, 'shop.add')
    """

    def __init__(self, app: App) -> None:
        self.app = app

    def task(self, fn: Callable[..., Any] | None = None, /, **options: Any) -> Any:
        """Make a function a job, as ``@app.task`` and ``@shared_task`` do.

        Without ``autoretry_for`` a task that fails is dead at once, as Celery does not try it again; with it every
        failure is retried, ``max_retries`` times, ``default_retry_delay`` seconds apart.

        Args:
            fn: The function.
            options: Celery's ``name``, ``queue``, ``max_retries``, ``default_retry_delay``, ``autoretry_for``,
                ``time_limit``, ``soft_time_limit``; options of a job by their own names.

        Raises:
            InvalidOption: An option of Celery that has no counterpart: the message says what to write instead.
        """

        checked = _job_options(options, self.app)

        def make(function: Callable[..., Any]) -> Task:
            return Task(self.app.job(**checked)(function))

        return make if fn is None else make(fn)


class Task:
    """A job that is called as a task is. All that a job has, it has as well.

    Attributes:
        job: The job.
    """

    def __init__(self, job: Job[..., Any]) -> None:
        self.job = job

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.job(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.job, name)

    def delay(self, *args: Any, **kwargs: Any) -> Sent:
        """Enqueue it."""
        return Sent(self.job.enqueue(*args, **kwargs))

    def apply_async(self, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, **options: Any) -> Sent:
        """Enqueue it, with options of this call.

        Args:
            args, kwargs: The arguments.
            options: ``countdown`` (s), ``eta``, ``expires`` (with an edition that has the option ``expires_in``),
                ``queue``.

        Raises:
            InvalidOption: An option of Celery that has no counterpart.
        """
        return Sent(self.job.using(**_call_options(options)).enqueue(*args, **(kwargs or {})))


@dataclass(frozen=True, slots=True)
class Sent:
    """What ``delay`` returns.

    Attributes:
        id: The job's id; None when a middleware stopped it.
    """

    id: str | None

    @property
    def task_id(self) -> str | None:
        """The same."""
        return self.id

    def __str__(self) -> str:
        return str(self.id)


def _job_options(given: Mapping[str, Any], app: App) -> dict[str, Any]:
    options = _known(given, (*_TASK, *(name for name, _spec in app.job_options.items())))
    autoretry_for = options.pop("autoretry_for", ())
    most, delay_s = options.pop("max_retries", DEFAULT_RETRIES), options.pop("default_retry_delay", DEFAULT_DELAY_S)
    if "retry" not in options:
        options["retry"] = Retry(max=25 if most is None else most, delay=delay_s) if autoretry_for else Retry(max=0)
    limits = [one for one in (options.pop("soft_time_limit", None), options.pop("time_limit", None)) if one is not None]
    if limits:
        options.setdefault("timeout", limits[0])
    return options


def _call_options(given: Mapping[str, Any]) -> dict[str, Any]:
    options = _known({name: value for name, value in given.items() if name != "retry"}, _CALL)
    using: dict[str, Any] = {}
    for theirs, ours, changed in (
        ("queue", "queue", None),
        ("countdown", "delay", None),
        ("eta", "at", _aware),
        ("expires", "expires_in", _left),
    ):
        if options.get(theirs) is not None:
            using[ours] = options[theirs] if changed is None else changed(options[theirs])
    return using


def _known(given: Mapping[str, Any], known: Sequence[str]) -> dict[str, Any]:
    """Without what is done anyway, or is turned off."""
    options: dict[str, Any] = {}
    for name, value in given.items():
        if name in known:
            options[name] = value
        elif name in ADVICE and value not in (None, False):
            raise InvalidOption(f"{name}={shown(value)} has no counterpart here: {ADVICE[name]}")
        elif name not in ADVICE and name not in DROPPED:
            hint = suggest(name, known)
            raise UnknownOption(f"the task has the option {name!r}.{hint} Known are: {', '.join(known)}")
    return options


def _aware(eta: Any) -> Any:
    """Celery takes a time without a zone for UTC."""
    return eta.replace(tzinfo=UTC) if isinstance(eta, datetime) and eta.tzinfo is None else eta


def _left(expires: Any) -> Any:
    if isinstance(expires, datetime):
        return timedelta(seconds=max(0.0, _aware(expires).timestamp() - clock.now_s()))
    return expires
