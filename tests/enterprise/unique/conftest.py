"""A bench for unique jobs: an app with the edition, its locks, a worker when one is wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from offsider.worker.worker import Worker
from offsider_enterprise.unique import UniqueLocks
from support.waiting import until


class UniqueBench:
    """An app, what lies in its Redis, and its worker."""

    def __init__(self, app: App, raw: Any, start_worker: Callable[..., Worker]) -> None:
        self.app = app
        self.raw = raw
        self.locks = UniqueLocks(app)
        self._start_worker = start_worker

    def key(self, name: str) -> str:
        """A key by its last part."""
        return f"{self.app.keys.prefix}{name}"

    def job(self, unique: Any = True, body: Callable[..., Any] | None = None, **options: Any) -> Any:
        """A job ``sync(account, note="")`` with this option."""

        def sync(account: int, note: str = "") -> Any:
            return None if body is None else body(account, note)

        return self.app.job(name="sync", unique=unique, **options)(sync)

    def start(self, **settings: Any) -> Worker:
        """A worker."""
        return self._start_worker(self.app, **settings)

    def holders(self) -> set[str]:
        """Who holds a lock."""
        return {lock.jid for lock in self.locks}

    def waits_until_settled(self, worker: Worker | None = None) -> None:
        """Nothing waits and nothing is in flight."""
        until(self._settled, what="every job is settled")

    def _settled(self) -> bool:
        return not self.raw.keys(self.key("queue:*")) and not self.raw.keys(self.key("inflight:*"))

    def is_clean(self) -> bool:
        """No key of locks is left."""
        kept = ("unique-locks", "unique-deadlines", "unique-waiting", "unique-replaced")
        return not any(self.raw.exists(self.key(name)) for name in kept)

    def take(self, owner: str = "gone") -> bytes:
        """Take the next job as a process would that dies at once."""
        payload: bytes = self.raw.rpop(self.key("queue:default"))
        self.raw.hset(self.key(f"inflight:{owner}"), "1:default", payload)
        self.raw.zadd(self.app.keys.owners, {owner: 1})
        return payload

    def now_ms(self) -> int:
        """The server's time."""
        seconds, microseconds = self.raw.time()
        return int(seconds) * 1000 + int(microseconds) // 1000


@pytest.fixture
def bench(enterprise: App, raw: Any, start_worker: Callable[..., Worker]) -> UniqueBench:
    return UniqueBench(enterprise, raw, start_worker)


@pytest.fixture
def make_bench(make_enterprise: Callable[..., App], raw: Any, start_worker: Any) -> Callable[..., UniqueBench]:
    return lambda *given, **settings: UniqueBench(make_enterprise(*given, **settings), raw, start_worker)
