"""What the test modes share: one at a time in an app, for as long as a `with` lasts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from ..errors import InvalidOption
from ..job.push import Pusher, PushRequest
from .runner import Runner

if TYPE_CHECKING:
    from ..app import App

Mode = TypeVar("Mode", bound="TestMode")


class TestMode:
    """A pusher that takes the place of the app's own; subclasses say where a push goes.

    Attributes:
        app: The app.
        runner: Runs its jobs.
    """

    __test__ = False  # pytest takes it for a class of tests by its name
    kind: ClassVar[str] = "test"

    def __init__(self, app: App, inner: Pusher) -> None:
        self.app = app
        self.runner = Runner(app)
        self._inner = inner

    def inline(self, request: PushRequest) -> Any:
        """What the app does: here, too, an inline call just runs."""
        return self._inner.inline(request)

    async def ainline(self, request: PushRequest) -> Any:
        """The same on an event loop."""
        return await self._inner.ainline(request)


@contextmanager
def diverted(app: App, mode: Callable[[App, Any], Mode]) -> Iterator[Mode]:
    """Put an app into a test mode.

    Raises:
        InvalidOption: It is in one already.
    """
    current = app.pusher
    if isinstance(current, TestMode):
        raise InvalidOption(
            f"the app is in the test mode {current.kind!r} already: modes do not nest. Leave it first, or use the jobs"
            " that it gave you"
        )
    made = mode(app, current)
    try:
        with app.divert(lambda _pusher: made):  # type: ignore[arg-type,return-value]
            yield made
    finally:
        made.runner.close()
