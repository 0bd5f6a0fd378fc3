"""Counts the threads of all live workers of a namespace: what a licence by threads is held against."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from typing import Any

from offsider.store.classify import store_errors
from offsider.store.connection import Connections
from offsider.store.keys import Keys

PAGE = 500


def count_threads(connections: Connections, keys: Keys, *, but: str | None = None) -> int:
    """The concurrency of the workers that live by their heartbeats, in sum.

    A worker that has died counts until its heartbeat ends, for a minute. Sidekiq's own processes in a shared layout
    do not count.

    Args:
        connections: The way to Redis.
        keys: The namespace.
        but: A process that is left out.

    Raises:
        StoreError: Redis did not answer.
    """
    redis: Any = connections.admin()
    total = 0
    with store_errors():
        names = redis.sscan_iter(keys.processes, count=PAGE)
        for page in _pages(name for name in names if name.decode("utf-8", "replace") != but):
            pipe = redis.pipeline(transaction=False)
            for name in page:
                pipe.hmget(keys.process(name.decode("utf-8", "replace")), "concurrency", "info")
            total += sum(_threads(*fields) for fields in pipe.execute())
    return total


def _pages(names: Iterable[bytes]) -> Iterator[list[bytes]]:
    rest = iter(names)
    while page := list(itertools.islice(rest, PAGE)):
        yield page


def _threads(concurrency: bytes | None, info: bytes | None) -> int:
    """Of one process; anything may stand in Redis."""
    try:
        said = json.loads(info or b"")
        ours = isinstance(said, dict) and str(said.get("version", "")).startswith("offsider ")
        return max(0, int(concurrency or b"")) if ours else 0
    except (ValueError, RecursionError):
        return 0
