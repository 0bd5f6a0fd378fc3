"""What every test of a fetcher stands on: fetchers, an observer and a proxy, and their end. Tests nothing itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..contract.work import Fetcher
from .observer import Observer
from .proxy import Proxy

if TYPE_CHECKING:
    from ..app import App

QUEUE = "conformance"
OWNER = "conformance-1"


class Bench(ABC):
    """Makes what a test needs, and closes it afterwards.

    The words `setup_method` and `teardown_method` are pytest's; another runner calls them before and after each test.
    """

    @abstractmethod
    def make_fetcher(self, app: App, queues: Sequence[str], owner: str) -> Fetcher:
        """What a subclass provides: a fetcher, not opened yet.

        Args:
            app: Its connections, keys and settings are the fetcher's.
            queues: Names, to be looked at strictly in this order.
            owner: The fetcher's owner.
        """

    # -- before and after each test --------------------------------------------------------------------------

    def setup_method(self, _method: object = None) -> None:
        """Nothing is open yet."""
        self._closers: list[Callable[[], None]] = []
        self._observer: Observer | None = None

    def teardown_method(self, _method: object = None) -> None:
        """Close what the test has opened."""
        for close in reversed(self._closers):
            close()

    # -- steps ---------------------------------------------------------------------------------------------

    def _observe(self, app: App) -> Observer:
        if self._observer is None:
            self._observer = Observer(app)
            self._closers.append(self._observer.close)
        return self._observer

    def _made(self, app: App, queues: Sequence[str] = (QUEUE,), owner: str = OWNER) -> Fetcher:
        fetcher = self.make_fetcher(app, list(queues), owner)
        self._closers.append(fetcher.close)
        return fetcher

    def _opened(self, app: App, queues: Sequence[str] = (QUEUE,), owner: str = OWNER) -> Fetcher:
        fetcher = self._made(app, queues, owner)
        fetcher.open()
        return fetcher

    def _ready(self, app: App, jobs: int, queues: Sequence[str] = (QUEUE,)) -> tuple[Fetcher, Observer]:
        """An open fetcher, and so many jobs in its first queue."""
        redis = self._observe(app)
        redis.push(queues[0], range(jobs))
        return self._opened(app, queues), redis

    def _through_a_proxy(self, app: App) -> Proxy:
        """Send the app through a proxy; the observer is past it already."""
        proxy = Proxy(self._observe(app).url)
        self._closers.append(proxy.close)
        app.override(redis={"url": proxy.url})
        if app.connections.url != proxy.url:
            raise RuntimeError("the fixture `app` is connected already: give each test an app that is not")
        return proxy
