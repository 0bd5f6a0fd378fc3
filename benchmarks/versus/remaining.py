"""How many jobs of a system are not done yet, asked from Redis. Never changes anything there."""

from __future__ import annotations

from typing import Any

import redis
from versus.processes import Unmeasured


class Remaining:
    """Counts what remains; in one round trip for all keys that are known by name.

    Attributes:
        commands: How many commands this client has sent, to be taken off the system's own.
    """

    def __init__(self, client: redis.Redis, operations: tuple[tuple[str, ...], ...]) -> None:
        self._client = client
        self._named = [one for one in operations if one[0] not in ("lag", "hlen*")]
        self._groups = [one[1:] for one in operations if one[0] == "lag"]
        self._patterns = [one[1] for one in operations if one[0] == "hlen*"]
        self.commands = 0

    def count(self) -> int:
        """The sum of all operations."""
        named = self._sum(self._named)
        hashes = self._sum([("hlen", key) for pattern in self._patterns for key in self._keys(pattern)])
        return named + hashes + sum(self._lag(stream, group) for stream, group in self._groups)

    def total_commands(self) -> int:
        """How many commands the server has processed, those of this client taken off."""
        found: dict[str, Any] = self._client.info("stats")
        self.commands += 1
        return int(found["total_commands_processed"]) - self.commands

    def _sum(self, words: list[tuple[str, ...]]) -> int:
        if not words:
            return 0
        pipeline = self._client.pipeline(transaction=False)
        for name, key in words:
            getattr(pipeline, name)(key)
        self.commands += len(words)
        return sum(int(reply or 0) for reply in pipeline.execute())

    def _keys(self, pattern: str) -> list[str]:
        found: list[str] = []
        cursor = None
        while cursor != 0:
            cursor, keys = self._client.scan(cursor or 0, match=pattern, count=1_000)
            self.commands += 1
            found += [str(key, "utf-8") for key in keys if isinstance(key, bytes)]
        return found

    def _lag(self, stream: str, group: str) -> int:
        """What the group has not been given, and what it has not acknowledged; all, before there is a group."""
        self.commands += 1
        try:
            groups: list[dict[str, Any]] = self._client.xinfo_groups(stream)
        except redis.ResponseError:  # there is no such stream
            return 0
        for one in groups:
            if one["name"].decode() == group:
                if one.get("lag") is None:  # before Redis 7 it never can
                    raise Unmeasured(f"the server cannot tell how far the group {group!r} of {stream!r} lags")
                return int(one["lag"]) + int(one["pending"])
        self.commands += 1
        return int(self._client.xlen(stream))
