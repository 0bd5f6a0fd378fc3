"""Runs one Lua script on a real server and looks at what it left, without the code that usually calls it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import redis

from offsider.store.keys import Keys
from offsider.store.scripts import load

OWNER = "host:1:abc/default/1"
LEASE_MS = 60_000


class Lua:
    """One empty server, the keys of one namespace, and scripts."""

    def __init__(self, client: redis.Redis) -> None:
        self.client: Any = client  # typed answers of redis-py are unions that fit no single command
        self.keys = Keys("shop")
        self.first_letter = len(self.keys.queue("")) + 1
        self.inflight = self.keys.inflight(OWNER)

    def run(self, name: str, keys: Sequence[str], arguments: Sequence[str | bytes | float]) -> Any:
        """The script's reply."""
        return self.client.eval(load(name).text, len(keys), *keys, *arguments)

    def pairs(self, *queues: str) -> list[str]:
        """The keys of queues as every script takes them: ``queue:<name>, bell:<name>, ...``."""
        return [key for name in queues for key in (self.keys.queue(name), self.keys.bell(name))]

    # -- before --------------------------------------------------------------------------------------------

    def now_s(self) -> float:
        """The server's time."""
        seconds, microseconds = self.client.time()
        return float(seconds) + float(microseconds) / 1e6

    def lease(self, owner: str = OWNER, *, left_ms: float = LEASE_MS) -> None:
        """Give an owner a lease; a negative rest is a lease that has ended."""
        self.client.zadd(self.keys.owners, {owner: round(self.now_s() * 1000 + left_ms)})

    def hold(self, fields: dict[str, bytes], owner: str = OWNER) -> None:
        """Put jobs into an owner's hands."""
        self.client.hset(self.keys.inflight(owner), mapping=fields)

    def push(self, queue: str, *payloads: bytes) -> None:
        """Put payloads into a queue, without ringing its bell."""
        self.client.lpush(self.keys.queue(queue), *payloads)

    # -- after ---------------------------------------------------------------------------------------------

    def waiting(self, queue: str) -> list[bytes]:
        """A queue, the payload that is taken next first."""
        found: list[bytes] = self.client.lrange(self.keys.queue(queue), 0, -1)
        return found[::-1]

    def rings(self, queue: str) -> int:
        """How many tokens lie in a queue's bell."""
        return int(self.client.llen(self.keys.bell(queue)))

    def held(self, owner: str = OWNER) -> dict[str, bytes]:
        """What an owner has in flight."""
        return {field.decode(): value for field, value in self.client.hgetall(self.keys.inflight(owner)).items()}

    def members(self, key: str) -> list[bytes]:
        """A sorted set in its order."""
        found: list[bytes] = self.client.zrange(key, 0, -1)
        return found

    def due_in_s(self, key: str, member: bytes) -> float:
        """How far a member's score is ahead of the server's time."""
        return float(self.client.zscore(key, member)) - self.now_s()

    def lease_left_s(self, owner: str = OWNER) -> float | None:
        """How long a lease still lasts; None when there is none."""
        score = self.client.zscore(self.keys.owners, owner)
        return None if score is None else float(score) / 1000 - self.now_s()

    def snapshot(self) -> dict[bytes, bytes]:
        """Everything in the server, to be compared."""
        return {key: self.client.dump(key) for key in sorted(self.client.keys())}

    # -- the server ------------------------------------------------------------------------------------------

    @contextmanager
    def full(self) -> Iterator[None]:
        """No memory is left while this lasts, and it is seen that growing commands are refused."""
        self.client.config_set("maxmemory", 1)
        try:
            with pytest.raises(redis.ResponseError, match=r"OOM|command not allowed when used memory"):
                self.client.set("growing", "1")
            yield
        finally:
            self.client.config_set("maxmemory", 0)
