"""FastAPI and Starlette: a lifespan that closes connections and may run jobs, and a dependency."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends
from starlette.requests import HTTPConnection

from ..app import App
from ..errors import ConfigError
from ..worker.embed import embed

Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]


def lifespan(
    app: App, *, worker: bool = False, queues: Sequence[str] | None = None, concurrency: int | None = None,
    within: Lifespan | None = None,
) -> Lifespan:  # fmt: skip
    """A lifespan for ``FastAPI(lifespan=…)`` or ``Starlette(lifespan=…)``.

    At the end the app's connections are closed, those of the event loop, too. With ``worker`` its jobs run in this
    process for as long as it serves.

    Args:
        app: The app whose jobs the web application enqueues.
        worker: Whether to run jobs here.
        queues, concurrency: Of that worker; the settings' when None.
        within: Another lifespan, which starts first and ends last; its state is passed on.

    Example:
        >>> from fastapi import FastAPI     # doctest: +SKIP
        >>> web = FastAPI(lifespan=lifespan(app, worker=True, concurrency=2))   # doctest: +SKIP
    """

    @asynccontextmanager
    async def lived(web: Any) -> AsyncIterator[Any]:
        async with AsyncExitStack() as stack:
            state = None if within is None else await stack.enter_async_context(within(web))
            stack.push_async_callback(app.aclose)
            web.state.offsider = app
            if worker:
                await stack.enter_async_context(embed(app, queues=queues, concurrency=concurrency))
            yield state

    return lived


def offsider_app(connection: HTTPConnection) -> App:
    """The dependency: the app of the lifespan. Override it in tests as any other.

    Raises:
        ConfigError: The web application has no lifespan of ours.
    """
    app = getattr(connection.app.state, "offsider", None)
    if isinstance(app, App):
        return app
    raise ConfigError(
        "this web application has no Offsider app: make it with FastAPI(lifespan=offsider.integrations.fastapi"
        ".lifespan(app)), and let its lifespan run (in tests: `with TestClient(web)`)"
    )


OffsiderApp = Annotated[App, Depends(offsider_app)]
"""For the signature of an endpoint: ``def sign_up(user: str, jobs: OffsiderApp)``."""
