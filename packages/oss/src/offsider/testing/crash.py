"""Simulates the death of a process at a chosen push: how a test proves that a job may run again."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import InvalidOption, shown
from ..job.push import Pusher, PushRequest
from .cursors import MemoryCursors
from .death import Crash
from .modes import TestMode

if TYPE_CHECKING:
    from ..app import App


class Crashing:
    """A pusher that dies at one push, once, and passes all others on.

    Attributes:
        within: The pusher that it stands in front of.
        pushes: How many there were, the fatal one included.
        crashed: True once it has happened.
    """

    def __init__(self, within: Pusher, number: int, after: bool) -> None:
        self.within = within
        self.pushes = 0
        self.crashed = False
        self._number = number
        self._after = after
        self._lock = threading.Lock()

    def push(self, request: PushRequest) -> str | None:
        """Push one, or die."""
        fatal = self._is_fatal()
        jid = self.within.push(request) if not fatal or self._after else None
        self._die(fatal)
        return jid

    async def apush(self, request: PushRequest) -> str | None:
        """The same on an event loop."""
        fatal = self._is_fatal()
        jid = await self.within.apush(request) if not fatal or self._after else None
        self._die(fatal)
        return jid

    def push_many(self, requests: Iterable[PushRequest], batch_size: int) -> list[str | None]:
        """Push many, or die: it counts as one."""
        fatal = self._is_fatal()
        jids = self.within.push_many(requests, batch_size) if not fatal or self._after else []
        self._die(fatal)
        return jids

    async def apush_many(self, requests: Iterable[PushRequest], batch_size: int) -> list[str | None]:
        """The same on an event loop."""
        fatal = self._is_fatal()
        jids = await self.within.apush_many(requests, batch_size) if not fatal or self._after else []
        self._die(fatal)
        return jids

    def inline(self, request: PushRequest) -> Any:
        """No push: it just runs."""
        return self.within.inline(request)

    async def ainline(self, request: PushRequest) -> Any:
        """No push: it just runs."""
        return await self.within.ainline(request)

    @property
    def app(self) -> Any:
        """The app of the pusher behind it."""
        return getattr(self.within, "app", None)

    def _is_fatal(self) -> bool:
        with self._lock:
            self.pushes += 1
            self.crashed = self.crashed or self.pushes == self._number
            return self.pushes == self._number

    def _die(self, fatal: bool) -> None:
        if fatal:
            raise Crash(f"simulated, {'after' if self._after else 'before'} push {self._number} took effect")


@contextmanager
def crash_at(app: App, number: int, *, after: bool = False, at: str = "push") -> Iterator[Any]:
    """Let the process die, in simulation, at one of the next pushes of an app, or yields of its resumable jobs.

    Inside `fake` the job that pushes is ended there: nothing of it is settled, nobody catches it, and it waits again as
    it does when another process has recovered it. Elsewhere `Crash`, a `BaseException`, ends whatever pushes.

    Args:
        app: The app.
        number: 1 for the next one.
        after: False: what was to be pushed, or kept, did not reach Redis. True: it did, and the process died before it
            knew.
        at: ``"push"`` or ``"yield"``; yields are those of jobs that run in `fake` or `inline`.

    Returns:
        Who dies: ``.crashed`` says whether it has happened.

    Raises:
        InvalidOption: No such number or place, or yields of an app that is in no test mode.

    Example:
        >>> from offsider import App
        >>> from offsider.testing import fake
        >>> app = App(editions=[])
        >>> @app.job
        ... def mail(user: str) -> None: ...
        >>> @app.job
        ... def both() -> None:
        ...     mail.enqueue("Ada")
        ...     mail.enqueue("Grace")
        >>> with fake(app) as jobs:
        ...     jid = both.enqueue()
        ...     with crash_at(app, 2):
        ...         jobs.run_one(both).kind
        ...     [job.args for job in jobs.of(mail)]
        ...     jobs.run_one(both).kind
        ...     [job.args for job in jobs.of(mail)]
        'lost'
        [['Ada']]
        'done'
        [['Ada'], ['Ada'], ['Grace']]
    """
    if type(number) is not int or number < 1:
        raise InvalidOption(f"crash_at({shown(number)}): expected 1 for the next push, 2 for the one after it, …")
    if at == "yield":
        with _dying_at_yield(app, number, after) as cursors:
            yield cursors
        return
    if at != "push":
        raise InvalidOption(f"crash_at(at={shown(at)}): expected 'push' or 'yield'")
    crashing = Crashing(app.pusher, number, after)
    with app.divert(lambda _pusher: crashing):
        yield crashing


@contextmanager
def _dying_at_yield(app: App, number: int, after: bool) -> Iterator[MemoryCursors]:
    pusher: Any = app.pusher
    while isinstance(pusher, Crashing):
        pusher = pusher.within
    if not isinstance(pusher, TestMode):
        raise InvalidOption("crash_at(at='yield') needs jobs that run here: use it inside of fake(app) or inline(app)")
    cursors = pusher.runner.cursors
    cursors.die_at(number, after=after)
    try:
        yield cursors
    finally:
        cursors.live()
