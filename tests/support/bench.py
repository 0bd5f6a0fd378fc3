"""One job on the bench: run it on a real worker and look where it went."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from offsider import App
from offsider.worker.worker import Worker

from .waiting import until

SETS = ("retry", "schedule", "dead", "quarantine")


def payload(name: str, *args: Any, **fields: Any) -> bytes:
    """A job as another program enqueues it."""
    record = {"queue": "default", "class": name, "args": list(args), "jid": "j1", "retry": True, **fields}
    return json.dumps(record, separators=(",", ":")).encode()


class Bench:
    """An app, its worker, and what lies in Redis."""

    def __init__(self, app: App, raw: Any, start_worker: Callable[..., Worker]) -> None:
        self.app = app
        self.raw = raw
        self._start_worker = start_worker
        self._worker: Worker | None = None

    def run(self, *payloads: bytes, timeout_s: float = 15, **settings: Any) -> Worker:
        """Start a worker when none runs; wait until what is in the queue, and these, are settled."""
        for payload in payloads:
            self.raw.lpush(self.key("queue:default"), payload)
        if self._worker is not None and payloads:
            self.raw.lpush(self.key("bell:default"), "1")
        worker = self.start(**settings)
        until(self.is_settled, timeout_s, "every job is settled")
        return worker

    def start(self, **settings: Any) -> Worker:
        """The worker; starts it when none runs."""
        if self._worker is None:
            self._worker = self._start_worker(self.app, **settings)
        return self._worker

    def is_settled(self) -> bool:
        """Nothing waits and nothing is in flight."""
        return not self.raw.exists(self.key("queue:default")) and not self.raw.keys(self.key("inflight:*"))

    def key(self, name: str) -> str:
        """A key by its last part."""
        return f"{self.app.keys.prefix}{name}"

    def members(self, place: str) -> list[bytes]:
        """What lies in a sorted set."""
        found: list[bytes] = self.raw.zrange(self.key(place), 0, -1)
        return found

    def places(self) -> dict[str, int]:
        """How many entries are where; empty when no job is anywhere."""
        found = {place: self.raw.zcard(self.key(place)) for place in SETS}
        return {place: count for place, count in found.items() if count}

    def record(self, place: str) -> dict[str, Any]:
        """The one entry of a set."""
        (member,) = self.members(place)
        record: dict[str, Any] = json.loads(member)
        return record

    def due_in_s(self, place: str) -> float:
        """When the one entry of a set is due, from now on the server's clock."""
        ((_member, score),) = self.raw.zrange(self.key(place), 0, -1, withscores=True)
        seconds, microseconds = self.raw.time()
        return float(score) - (float(seconds) + float(microseconds) / 1e6)
