"""A worker inside another program: no signal handlers, no logging set up, ended by whoever started it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from .worker import Worker

if TYPE_CHECKING:
    from ..app import App


class EmbeddedWorker:
    """What `embed` returns: `start`, `quiet` and `stop`, or the block of a ``with`` or an ``async with``.

    Attributes:
        worker: The worker; made by `start`, so that middleware and listeners may be added until then.
    """

    def __init__(self, app: App, queues: Sequence[str] | None, concurrency: int | None, grace_s: float | None) -> None:
        self._app = app
        self._queues = queues
        self._concurrency = concurrency
        self._grace_s = grace_s
        self.worker: Worker | None = None

    def start(self) -> None:
        """Begin to run jobs; a second call does nothing.

        Raises:
            StoreError: Redis is away, refuses, or is too old.
        """
        if self.worker is None:
            worker = Worker(self._app, queues=self._queues, concurrency=self._concurrency, embedded=True)
            worker.start()
            self.worker = worker

    def quiet(self) -> None:
        """Take no more jobs; those that run go on."""
        if self.worker is not None:
            self.worker.quiet()

    def stop(self) -> None:
        """Give running jobs their grace, hand back the rest; tolerates not-started and twice. May be started anew."""
        worker, self.worker = self.worker, None
        if worker is not None:
            worker.stop(self._grace_s)

    def healthy(self) -> bool:
        """True while it runs and hears Redis: for the health check of the program around it."""
        return self.worker is not None and self.worker.healthy()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await asyncio.to_thread(self.stop)


def embed(
    app: App, *, queues: Sequence[str] | None = None, concurrency: int | None = None, grace_s: float | None = None
) -> EmbeddedWorker:
    """Run an app's jobs in this program, on threads and an event loop of their own.

    It touches neither signals nor logging. A job that computes competes with the program for the interpreter.

    Args:
        app: The app.
        queues: Queue names, ``"name"`` or ``"name:weight"``; the settings' when None.
        concurrency: Jobs at once; the settings' when None.
        grace_s: What running jobs get at the end, in seconds; the settings' ``shutdown_timeout_s`` when None.

    Example:
        >>> with embed(app, concurrency=2):     # doctest: +SKIP
        ...     serve()
    """
    return EmbeddedWorker(app, queues, concurrency, grace_s)
