"""What a plug-in author writes: a fetcher of another kind, the suite it must pass, and the edition that brings it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from offsider import App
from offsider.contract.edition import Edition
from offsider.contract.work import Fetcher, Service, Settlement, UnitOfWork
from offsider.testing.conformance import FetcherConformance
from offsider.worker.worker import Worker


class QuietFetcher:
    """Any fetcher, with a name of its own for the log; the owner's name is the inner one's at every time."""

    def __init__(self, inner: Fetcher) -> None:
        self._inner = inner

    @property
    def owner(self) -> str:
        """As Redis knows it."""
        return self._inner.owner

    def open(self) -> None:
        """Open the lease."""
        self._inner.open()

    def exchange(self, settled: Sequence[Settlement], want: int) -> list[UnitOfWork]:
        """Settle and take."""
        return self._inner.exchange(settled, want)

    def wait(self, timeout_s: float) -> bool:
        """Wait for work."""
        return self._inner.wait(timeout_s)

    def pass_on(self) -> None:
        """Wake another one."""
        self._inner.pass_on()

    def renew(self) -> bool:
        """Prolong the lease."""
        return self._inner.renew()

    def retire(self, back: Sequence[UnitOfWork], abandoned: Sequence[UnitOfWork]) -> None:
        """Hand back."""
        self._inner.retire(back, abandoned)

    def close(self) -> None:
        """Let go."""
        self._inner.close()


class Census:
    """A background service."""

    def start(self) -> None:
        """Start."""

    def stop(self, timeout_s: float = 5.0) -> None:
        """End."""


class QuietEdition(Edition):
    """Brings both."""

    name = "quiet"

    def install_worker(self, worker: Worker) -> None:
        """Put the fetcher around the one that is there."""
        inner = worker.fetcher.value

        def make(worker: Worker, plan: Any, owner: str) -> Fetcher:
            return QuietFetcher(inner(worker, plan, owner))

        worker.fetcher.fill(make, by=self.name)
        service: Service = Census()
        worker.services.add("census", service, by=self.name)
        worker.heartbeat_fields.add("people", lambda: 7, by=self.name)


class QuietFetcherSuite(FetcherConformance):
    """Its suite; pytest collects it under a name that begins with Test."""

    def make_fetcher(self, app: App, queues: Sequence[str], owner: str) -> Fetcher:
        """As the edition makes it."""
        worker = Worker(app, queues=queues)
        return QuietFetcher(worker.fetcher.value(worker, None, owner))
