"""The bare limit: what one process reaches on this machine with a bare socket and no engine.

One connection of its own, hiredis' parser, the same exchange script in the same batches: acknowledge the last batch,
take the next, parse each payload, call the function. No threads, no middleware, no retries, no leases renewed, no
statistics. No engine that keeps a job in Redis until it is acknowledged can be faster in one process.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import hiredis
import orjson

from offsider.store.keys import Keys
from offsider.store.scripts import load


class BareWorker:
    """An exchange loop over a bare socket."""

    def __init__(self, url: str, keys: Keys, queue: str, batch: int) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 6379))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = hiredis.Reader()
        self._batch = batch
        self._first_letter = len(keys.queue("")) + 1
        self._keys = [
            *(keys.owners, keys.inflight("bare"), keys.retry, keys.dead, keys.schedule, keys.quarantine),
            *(keys.schedule_bell, keys.queue(queue), keys.bell(queue)),
        ]
        self._script = load("exchange")
        self._queue = queue
        self._owners = keys.owners
        self._number = 1

    def open(self) -> None:
        """Open a lease, load the script."""
        self._ask("SCRIPT", "LOAD", self._script.text)
        self._ask("ZADD", self._owners, int(time.time() * 1000) + 60_000, "bare")

    def close(self) -> None:
        """Drop the lease and the connection."""
        self._ask("ZREM", self._owners, "bare")
        self._socket.close()

    def exchange(self, done: list[str]) -> list[tuple[str, bytes]]:
        """Fields and payloads of the next batch."""
        number = self._number
        reply = self._ask(
            *("EVALSHA", self._script.sha, len(self._keys), *self._keys, "bare", 60_000, self._batch, number),
            *(self._first_letter, 10_000, 15_552_000, len(done), *done),
        )
        if len(reply) < 3:
            return []
        payloads = reply[2]
        self._number += len(payloads)
        return [(f"{number + k}:{self._queue}", payload) for k, payload in enumerate(payloads)]

    def _ask(self, *words: Any) -> Any:
        self._socket.sendall(hiredis.pack_command(words))
        while True:
            reply = self._reader.gets()
            if reply is not False:
                if isinstance(reply, hiredis.HiredisError):
                    raise reply
                return reply
            data = self._socket.recv(262_144)
            if not data:
                raise ConnectionError("the server closed the connection")
            self._reader.feed(data)


def run_calls(worker: BareWorker, fn: Callable[..., Any]) -> int:
    """Run a queue empty with a ``def``; returns how many jobs ran."""
    count, done = 0, []
    while batch := worker.exchange(done):
        for _field, payload in batch:
            fn(*orjson.loads(payload)["args"])
        done = [field for field, _payload in batch]
        count += len(batch)
    return count


def run_tasks(worker: BareWorker, fn: Callable[..., Any]) -> int:
    """Run a queue empty with an ``async def``, a task for each job of a batch; returns how many jobs ran."""

    async def drain() -> int:
        count, done = 0, []
        loop = asyncio.get_running_loop()
        while batch := worker.exchange(done):
            tasks = [loop.create_task(fn(*orjson.loads(payload)["args"])) for _field, payload in batch]
            for task in tasks:
                await task
            done = [field for field, _payload in batch]
            count += len(batch)
        return count

    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(drain())
