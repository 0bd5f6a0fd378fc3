"""A resumable job: a generator that yields its cursor. Defines it, and runs it through where nothing is kept.

Its worker keeps the cursor: `offsider.worker.resumable`.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, closing
from functools import cached_property
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

from .cursor import CursorCodec
from .define import Job
from .outcome import Cancel, Snooze

C = TypeVar("C")
P = ParamSpec("P")
R = TypeVar("R")
Steps = TypeVar("Steps", bound=Iterator[Any] | AsyncIterator[Any])


class ResumableJob(Job[P, Any], Generic[C, P, R]):
    """A job that goes on where it was: what it yields says that everything up to there is done.

    Its first parameter is called ``cursor``. The worker fills it in: None at first, then what was yielded last. It is
    not part of the wire: who enqueues leaves it out. A call of the job itself takes it, and returns the generator.

    Attributes:
        resumable: The job itself; None for others.

    Example:
        >>> from collections.abc import Iterator
        >>> from offsider import App
        >>> app = App(editions=[])
        >>> @app.job
        ... def count(cursor: int | None, most: int) -> Iterator[int]:
        ...     for number in range((cursor or 0) + 1, most + 1):
        ...         yield number
        >>> list(count(None, 3)), list(count(1, 3))
        ([1, 2, 3], [2, 3])
    """

    def __init__(self, name: str, fn: Callable[Concatenate[C, P], R], options: Any, **parts: Any) -> None:
        super().__init__(name, fn, options, **parts)
        self.is_async = inspect.isasyncgenfunction(fn)
        self.resumable = self

    def __call__(self, cursor: C, *args: P.args, **kwargs: P.kwargs) -> R:  # type: ignore[override]
        """The function's generator, from this cursor on."""
        result: R = self.fn(cursor, *args, **kwargs)
        return result

    @cached_property
    def cursor(self) -> CursorCodec:
        """How its cursor is written and read."""
        return CursorCodec(self.arguments.hint("cursor"), self.name)

    def run_through(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Run a ``def`` job here from its beginning to its end; what it returns, or a `Snooze` or `Cancel` it yields.

        Raises:
            InvalidArguments: It yields what does not fit the annotation of its cursor.
            NotJson: It yields what JSON cannot carry.
        """
        with closing(self.fn(None, *args, **kwargs)) as steps:
            while True:
                try:
                    value = next(steps)
                except StopIteration as end:
                    return end.value
                if isinstance(value, (Snooze, Cancel)):
                    return value
                self.check(value)

    async def arun_through(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """The same for an ``async def`` job, which returns nothing, but may yield a `Snooze` or `Cancel`."""
        async with aclosing(self.fn(None, *args, **kwargs)) as steps:
            async for value in steps:
                if isinstance(value, (Snooze, Cancel)):
                    return value
                self.check(value)
        return None

    def check(self, value: Any) -> None:
        """Refuse what a worker could not keep; a yield without a value is a place to stop at, and keeps nothing."""
        if value is not None:
            self.cursor.encode(value)


class JobMaker(Protocol):
    """What ``app.job(…)`` returns: makes a function a job, and a generator with a cursor a resumable one."""

    @overload
    def __call__(self, fn: Callable[Concatenate[C, P], Steps], /) -> ResumableJob[C, P, Steps]: ...

    @overload
    def __call__(self, fn: Callable[P, R], /) -> Job[P, R]: ...
