"""Jobs that run where they are enqueued: a test sees their effects at once. Without Redis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..contract.work import Hold
from ..errors import JobHeld
from ..job.push import PushRequest
from ..job.record import dumps
from .modes import TestMode, diverted
from .runner import Ran

if TYPE_CHECKING:
    from ..app import App


class InlineJobs(TestMode):
    """The pusher of an app while `inline` lasts.

    Attributes:
        ran: What became of each run, in order.
    """

    kind = "inline"

    def __init__(self, app: App, inner: object) -> None:
        super().__init__(app, inner)  # type: ignore[arg-type]
        self.ran: list[Ran] = []

    def push(self, request: PushRequest) -> str | None:
        """Run one."""
        accepted = self.app.accept(request)
        return None if accepted is None else self._told(accepted, self.runner.run_to_end(*_bytes(accepted)))

    async def apush(self, request: PushRequest) -> str | None:
        """Run one, on an event loop."""
        accepted = self.app.accept(request)
        return None if accepted is None else self._told(accepted, await self.runner.arun_to_end(*_bytes(accepted)))

    def push_many(self, requests: Iterable[PushRequest], batch_size: int) -> list[str | None]:  # noqa: ARG002 - one job at a time
        """Run many, one after the other."""
        return [self.push(request) for request in requests]

    async def apush_many(self, requests: Iterable[PushRequest], batch_size: int) -> list[str | None]:  # noqa: ARG002 - one job at a time
        """Run many, one after the other, on an event loop."""
        return [await self.apush(request) for request in requests]

    def _told(self, accepted: PushRequest, ran: Ran) -> str:
        self.ran.append(ran)
        if isinstance(ran.error, Hold):
            raise JobHeld(
                f"job {accepted.job.name!r} runs inline and may not run now: {ran.error.reason}. Use fake(app), where"
                " it waits"
            ) from ran.error
        if ran.error is not None:
            raise ran.error
        return str(accepted.record["jid"])


@contextmanager
def inline(app: App) -> Iterator[InlineJobs]:
    """Run every job of an app where it is enqueued, also one that is due later, for as long as this lasts.

    Arguments go to JSON and back, client and server middleware run; what the body raises is raised by ``enqueue``.

    Args:
        app: The app.

    Raises:
        InvalidOption: The app is in a test mode already.

    Example:
        >>> from offsider import App
        >>> app = App(editions=[])
        >>> @app.job
        ... def welcome(user: str) -> None:
        ...     print("welcome,", user)
        >>> with inline(app):
        ...     jid = welcome.using(delay=3600).enqueue("Ada")
        welcome, Ada
    """
    with diverted(app, InlineJobs) as jobs:
        yield jobs


def _bytes(accepted: PushRequest) -> tuple[bytes, str]:
    return dumps(accepted.record), str(accepted.record["queue"])
