"""A job: a function that can be enqueued, with the types of the function. Does no I/O itself: a `Pusher` does."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property, update_wrapper
from random import random
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from .. import clock
from ..errors import InvalidOption, shown
from .args import Arguments
from .options import JobOptions, seconds, to_wire
from .push import Pusher, PushRequest
from .record import new_jid
from .result import Returned
from .secrecy import Secrecy
from .signature import takes_cursor

if TYPE_CHECKING:
    from .options import Retry
    from .resumable import ResumableJob

P = ParamSpec("P")
R = TypeVar("R")

Call = Sequence[Any] | Mapping[str, Any]
At = float | datetime
BATCH = 1000
SHORTEST_SPREAD_S = 5.0
NO_TIME_LEFT = -1e12


class Enqueuer(Generic[P, R]):
    """The verbs that a job and a job with other options share."""

    _job: Job[P, R]
    _options: JobOptions
    _at_s: float | None = None
    _delay_s: float | None = None

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> str | None:
        """Put the job into its queue, or the schedule.

        Returns:
            The job's id; None when a client middleware stopped it.

        Raises:
            InvalidArguments: The call does not fit the job's signature.
            NotJson: A value that JSON cannot carry.
            EnqueueUncertain: No answer within the deadline; its ``again()`` repeats this very enqueue, never two jobs.
            RedisRefused: Redis said no; nothing was changed.
        """
        return self._job._pusher().push(self._request(args, kwargs))

    async def aenqueue(self, *args: P.args, **kwargs: P.kwargs) -> str | None:
        """`enqueue` on an event loop."""
        return await self._job._pusher().apush(self._request(args, kwargs))

    def enqueue_many(
        self,
        calls: Iterable[Call],
        *,
        at: At | Sequence[At] | None = None,
        spread: float | timedelta | None = None,
        batch_size: int = BATCH,
    ) -> list[str | None]:
        """Enqueue many calls of one job, one round trip for each ``batch_size``.

        Args:
            calls: A tuple of positional arguments, or a dict of keyword arguments, for each call; read lazily.
            at: When: one time for all, or one for each call.
            spread: Instead of ``at``: spread over this long (at least 5 s), at random.
            batch_size: Jobs in one trip; each trip is all or nothing.

        Returns:
            One id for each call, in order; None where a client middleware stopped it.
        """
        return self._job._pusher().push_many(self._requests(calls, at, spread), _checked_batch(batch_size))

    async def aenqueue_many(
        self,
        calls: Iterable[Call],
        *,
        at: At | Sequence[At] | None = None,
        spread: float | timedelta | None = None,
        batch_size: int = BATCH,
    ) -> list[str | None]:
        """`enqueue_many` on an event loop."""
        requests = self._requests(calls, at, spread)
        return await self._job._pusher().apush_many(requests, _checked_batch(batch_size))

    def inline(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the job here and now, through arguments, client and server middleware, without Redis.

        Returns:
            What the body returns; None when a middleware stopped it. For an ``async def`` job: an awaitable of it.

        Raises:
            Whatever the body raises: there is no retry.
        """
        request = self._request(args, kwargs)
        pusher = self._job._pusher()
        result: R = pusher.ainline(request) if self._job.is_async else pusher.inline(request)  # type: ignore[assignment]
        return result

    def using(
        self,
        *,
        delay: float | timedelta | None = None,
        at: At | None = None,
        queue: str = ...,  # type: ignore[assignment]
        retry: Retry | int | bool = ...,  # type: ignore[assignment]
        timeout: float | timedelta | None = ...,  # type: ignore[assignment]
        max_run_s: float | timedelta | None = ...,  # type: ignore[assignment]
        result_ttl: float | timedelta | None = ...,  # type: ignore[assignment]
        tags: Sequence[str] = ...,  # type: ignore[assignment]
        display_name: str | None = ...,  # type: ignore[assignment]
        dead: bool = ...,  # type: ignore[assignment]
        backtrace: bool | int = ...,  # type: ignore[assignment]
        log_level: str | None = ...,  # type: ignore[assignment]
        transaction: bool = ...,  # type: ignore[assignment]
        shard: str | None = ...,  # type: ignore[assignment]
        **edition_options: Any,
    ) -> BoundJob[P, R]:
        """The same job with other options, for one or more calls; the types are kept.

        Args:
            delay: Enqueue this long from now (seconds or `timedelta`).
            at: Enqueue at this time (aware `datetime`, or epoch seconds); the past means now.
            queue: And so on: every option that ``app.job`` takes.

        Raises:
            UnknownOption: An option nobody registered.
            InvalidOption: A value it cannot have.
        """
        given: dict[str, Any] = {
            "queue": queue, "retry": retry, "timeout": timeout, "max_run_s": max_run_s, "tags": tags,
            "display_name": display_name, "dead": dead, "backtrace": backtrace, "log_level": log_level,
            "transaction": transaction, "result_ttl": result_ttl, "shard": shard,
        }  # fmt: skip
        given = {name: value for name, value in given.items() if value is not ...}
        bound = BoundJob(self._job, self._options, delay, at, {**given, **edition_options})
        if delay is None and at is None:
            bound._delay_s, bound._at_s = self._delay_s, self._at_s
        return bound

    def request(self, *args: P.args, **kwargs: P.kwargs) -> PushRequest:
        """What `enqueue` would push, with an id of its own; pushes nothing."""
        return self._request(args, kwargs)

    @property
    def pusher(self) -> Pusher:
        """Where `enqueue` pushes now: the app's way to Redis, or what a test has put in its place."""
        return self._job._pusher()

    @property
    def job_name(self) -> str:
        """The job's name on the wire, also of one with other options."""
        return self._job.name

    # -- steps -------------------------------------------------------------------------------------------

    def _request(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> PushRequest:
        return self._make(args, kwargs, self._due_s())

    def _make(self, args: Sequence[Any], kwargs: Mapping[str, Any], at_s: float | None) -> PushRequest:
        job = self._job
        wire_args, wire_kwargs = self._arguments.encode(args, kwargs)
        record: dict[str, Any] = {"queue": self._options.queue, "class": job.name, "args": wire_args}
        if wire_kwargs:
            record["kwargs"] = wire_kwargs
        record["jid"] = new_jid()
        record.update(self._fields)
        record["created_at"] = clock.now_ms()
        options = self._options
        return PushRequest(record, at_s, job, options.transaction, False, options.shard)

    def _requests(
        self, calls: Iterable[Call], at: At | Sequence[At] | None, spread: float | timedelta | None
    ) -> Iterator[PushRequest]:
        due = self._due_times(calls, at, spread)
        number = -1
        for number, call in enumerate(calls):
            at_s = next(due, NO_TIME_LEFT)
            if at_s == NO_TIME_LEFT:
                raise InvalidOption(f"at= has {number} times for more calls: expected one for each")
            if isinstance(call, Mapping):
                yield self._make((), call, at_s)
            elif isinstance(call, (tuple, list)):
                yield self._make(call, {}, at_s)
            else:
                raise InvalidOption(
                    f"call {number} of {self._job.name!r} is {self._named(call)}: expected a tuple of positional"
                    " arguments, or a dict of keyword arguments"
                )
        if isinstance(at, Sequence) and len(at) != number + 1:
            raise InvalidOption(f"at= has {len(at)} times for {number + 1} calls: expected one for each")

    def _due_times(
        self, calls: Iterable[Call], at: At | Sequence[At] | None, spread: float | timedelta | None
    ) -> Iterator[float | None]:
        if at is not None and spread is not None:
            raise InvalidOption("at= and spread= exclude each other: give one of them")
        if spread is not None:
            return _spread(max(seconds(spread, "spread"), SHORTEST_SPREAD_S))
        if isinstance(at, Sequence):
            if isinstance(calls, Sequence) and len(calls) != len(at):
                raise InvalidOption(f"at= has {len(at)} times for {len(calls)} calls: expected one for each")
            return (epoch_s(one) for one in at)
        return _always(self._due_s() if at is None else epoch_s(at))

    def _named(self, call: object) -> str:
        return f"a {type(call).__name__}" if self._job.secret else shown(call)

    def _due_s(self) -> float | None:
        if self._delay_s is not None:
            return clock.now_s() + self._delay_s
        return self._at_s

    @cached_property
    def _fields(self) -> dict[str, Any]:
        return to_wire(self._options)

    @cached_property
    def _arguments(self) -> Arguments:
        return self._job.arguments_for(self._options)


class Job(Enqueuer[P, R], Secrecy):
    """A function that can be called, and enqueued.

    Attributes:
        name: On the wire: the payload's ``class``.
        fn: The function.
        options: Its options.
        is_async: True for ``async def``.
        resumable: None, unless it is a `ResumableJob`.

    Example:
        >>> from offsider import App
        >>> app = App(editions=[])
        >>> @app.job(queue="mail", name="welcome")
        ... def welcome(user_id: int, *, locale: str = "en") -> str:
        ...     return f"{user_id} {locale}"
        >>> welcome(7)
        '7 en'
        >>> welcome.options.queue
        'mail'
    """

    resumable: ResumableJob[Any, P, Any] | None = None

    def __init__(
        self,
        name: str,
        fn: Callable[..., Any],
        options: JobOptions,
        *,
        pusher: Callable[[], Pusher],
        resolve: Callable[[JobOptions, Mapping[str, Any], str], JobOptions],
    ) -> None:
        _check_function(name, fn)
        _check_max_run(name, fn, options)
        update_wrapper(self, fn)
        self.name = name
        self.fn: Callable[..., Any] = fn
        self.options = options
        self.is_async = inspect.iscoroutinefunction(fn)
        self._job = self
        self._options = options
        self._pusher = pusher
        self._resolve = resolve

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Just run the function."""
        result: R = self.fn(*args, **kwargs)
        return result

    def __repr__(self) -> str:
        return f"<Job {self.name} queue={self.options.queue}>"

    @cached_property
    def arguments(self) -> Arguments:
        """The arguments, prepared at the first use: annotations may name what is defined later."""
        return Arguments(self.fn, self.name, secret=self.secret)

    @cached_property
    def returned(self) -> Returned:
        """What it returns, for jobs whose results are kept."""
        return Returned(self.fn, self.name)


class BoundJob(Enqueuer[P, R]):
    """A job with other options: made by `Job.using`, may be kept and used again."""

    def __init__(
        self,
        job: Job[P, R],
        options: JobOptions,
        delay: float | timedelta | None,
        at: At | None,
        given: Mapping[str, Any],
    ) -> None:
        if delay is not None and at is not None:
            raise InvalidOption(f"job {job.name!r} has both delay= and at=: give one of them")
        self._job = job
        self._options = job._resolve(options, given, job.name)
        _check_max_run(job.name, job.fn, self._options)
        self._delay_s = None if delay is None else seconds(delay, "delay")
        self._at_s = None if at is None else epoch_s(at)

    def __repr__(self) -> str:
        return f"<Job {self._job.name} with {self._options}>"


def _check_function(name: str, fn: object) -> None:
    if not inspect.isroutine(fn) or not hasattr(fn, "__code__"):
        raise InvalidOption(f"job {name!r} is {shown(fn)}: expected a function, def or async def")
    is_generator = inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn)
    if is_generator and not takes_cursor(fn):
        raise InvalidOption(
            f"job {name!r} has a yield: calling it would run nothing. Call its first parameter cursor, and it is a"
            " resumable job, which yields how far it is; or make it a function that returns"
        )


def _check_max_run(name: str, fn: object, options: JobOptions) -> None:
    if options.max_run_s is not None and not takes_cursor(fn):
        raise InvalidOption(
            f"job {name!r} has max_run_s={options.max_run_s:g}, but no yield at which it could go on later: give it"
            " timeout=, or make it a resumable job, a generator whose first parameter is called cursor"
        )


def epoch_s(at: object) -> float:
    """Seconds since 1970 of an aware `datetime` or a number.

    Raises:
        InvalidOption: A naive `datetime`, or something else.
    """
    if isinstance(at, datetime):
        if at.tzinfo is None:
            raise InvalidOption(f"at is {shown(at)}, which has no time zone: give it one, e.g. datetime.now(UTC)")
        return at.timestamp()
    if isinstance(at, (int, float)) and not isinstance(at, bool) and abs(at) < 1e11:
        return float(at)
    raise InvalidOption(f"at is {shown(at)}: expected an aware datetime, or seconds since 1970")


def _checked_batch(size: int) -> int:
    if type(size) is not int or not 1 <= size <= BATCH:
        raise InvalidOption(f"batch_size is {shown(size)}: expected 1 to {BATCH}")
    return size


def _always(at_s: float | None) -> Iterator[float | None]:
    while True:
        yield at_s


def _spread(spread_s: float) -> Iterator[float]:
    while True:
        yield clock.now_s() + random() * spread_s
