"""A pusher that keeps the calls and pushes nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..job.push import PushRequest
from ..job.record import dumps
from .fakejob import FakeJob

if TYPE_CHECKING:
    from ..app import App


class Spy:
    """Notes what a job enqueues while it is tried out.

    Attributes:
        app: Whose pushes.
        calls: ``name(args)`` of each job, in order.

    Example:
        >>> from offsider import App
        >>> app = App(editions=[])
        >>> @app.job(name="welcome")
        ... def welcome(user: str) -> None: ...
        >>> spy = Spy(app)
        >>> with app.divert(lambda pusher: spy):
        ...     jid = welcome.enqueue("Ada")
        >>> spy.calls
        ["welcome('Ada')"]
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self._inner = app.pusher
        self._lock = threading.Lock()
        self.calls: list[str] = []

    def push(self, request: PushRequest) -> str | None:
        """Note one."""
        accepted = self.app.accept(request)
        if accepted is None:
            return None
        call = FakeJob(dumps(accepted.record), accepted.at_s, accepted.job).call
        with self._lock:
            self.calls.append(call)
        return str(accepted.record["jid"])

    async def apush(self, request: PushRequest) -> str | None:
        """Note one."""
        return self.push(request)

    def push_many(self, requests: Iterable[PushRequest], batch_size: int) -> list[str | None]:  # noqa: ARG002 - none is sent
        """Note many."""
        return [self.push(request) for request in requests]

    async def apush_many(self, requests: Iterable[PushRequest], batch_size: int) -> list[str | None]:  # noqa: ARG002 - none is sent
        """Note many."""
        return [self.push(request) for request in requests]

    def inline(self, request: PushRequest) -> Any:
        """It just runs."""
        return self._inner.inline(request)

    async def ainline(self, request: PushRequest) -> Any:
        """It just runs."""
        return await self._inner.ainline(request)
