"""Pushes jobs: middleware, payload, one idempotent request, repeated while Redis is away."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Iterable, Iterator, Sequence

from .. import clock
from ..errors import RedisUnavailable
from ..job.push import PushRequest
from ..job.record import SOFT_MAX_BYTES, dumps
from ..store.connection import Argument, Connections
from ..store.keys import Keys
from ..store.scripts import Script
from .acceptance import Acceptance
from .lanes import AsyncLanes, Lanes

log = logging.getLogger("offsider.client")

LANE_S = 3600  # for longer than any push is repeated
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0


class Client:
    """The push side of one app.

    * client middleware runs before any I/O, once for each job;
    * a request whose reply was lost is repeated under the same lane and number: nothing is put twice;
    * after ``push_deadline_s`` without an answer it raises, and it may be repeated by the caller only as a new push.
    """

    def __init__(
        self,
        connections: Connections,
        keys: Keys,
        accept: Acceptance,
        script: Script,
        *,
        push_deadline_s: float,
    ) -> None:
        self._keys = keys
        self._accept = accept
        self._deadline_s = push_deadline_s
        self._lanes = Lanes(connections)
        self._alanes = AsyncLanes(connections)
        self._script = script
        self._first_letter = len(keys.queue("")) + 1

    # -- one -----------------------------------------------------------------------------------------------

    def push(self, request: PushRequest) -> str | None:
        """Push one; its jid, or None when a middleware stopped it."""
        return self._push_batch([request])[0]

    async def apush(self, request: PushRequest) -> str | None:
        """The same on an event loop."""
        return (await self._apush_batch([request]))[0]

    # -- many ----------------------------------------------------------------------------------------------

    def push_many(self, requests: Iterable[PushRequest], batch_size: int) -> list[str | None]:
        """Push lazily, one trip for each batch; one jid or None for each request, in order."""
        jids: list[str | None] = []
        for batch in _batches(requests, batch_size):
            jids += self._push_batch(batch)
        return jids

    async def apush_many(self, requests: Iterable[PushRequest], batch_size: int) -> list[str | None]:
        """The same on an event loop."""
        jids: list[str | None] = []
        for batch in _batches(requests, batch_size):
            jids += await self._apush_batch(batch)
        return jids

    def close(self) -> None:
        """Drop the connections of threads; those of a loop go with it."""
        self._lanes.close()

    async def aclose(self) -> None:
        """Drop the connections of the running event loop."""
        await self._alanes.close()

    # -- a batch -------------------------------------------------------------------------------------------

    def _push_batch(self, requests: Sequence[PushRequest]) -> list[str | None]:
        jids, keys, arguments = self._prepared(requests)
        if not arguments:
            return jids
        lane = self._lanes.take()
        try:
            lane.number += 1
            keys[0] = self._keys.lane(lane.id)
            words: list[Argument] = [lane.number, LANE_S, self._first_letter, *arguments]
            patience = _Patience(self._deadline_s)
            while True:
                try:
                    lane.wire.run(self._script, keys, words)
                    return jids
                except RedisUnavailable as error:
                    time.sleep(patience.pause_s(error))
        finally:
            self._lanes.give(lane)

    async def _apush_batch(self, requests: Sequence[PushRequest]) -> list[str | None]:
        jids, keys, arguments = self._prepared(requests)
        if not arguments:
            return jids
        async with self._alanes.lane() as lane:
            lane.number += 1
            keys[0] = self._keys.lane(lane.id)
            words: list[Argument] = [lane.number, LANE_S, self._first_letter, *arguments]
            patience = _Patience(self._deadline_s)
            while True:
                try:
                    await lane.wire.run(self._script, keys, words)
                    return jids
                except RedisUnavailable as error:
                    await asyncio.sleep(patience.pause_s(error))

    def _prepared(self, requests: Sequence[PushRequest]) -> tuple[list[str | None], list[str], list[Argument]]:
        """Jids, keys (the lane's is filled in later) and a pair of arguments for each accepted job."""
        jids: list[str | None] = []
        queues: dict[str, int] = {}
        arguments: list[Argument] = []
        now_s = clock.now_s()
        for request in requests:
            accepted = self._accept(request)
            if accepted is None:
                jids.append(None)
                continue
            record = accepted.record
            jids.append(record["jid"])
            if accepted.at_s is not None and accepted.at_s > now_s:
                arguments.append(f"@{accepted.at_s!r}")
            else:
                record["enqueued_at"] = clock.now_ms()
                arguments.append(queues.setdefault(record["queue"], 5 + 2 * len(queues)))
            payload = dumps(record)
            if len(payload) > SOFT_MAX_BYTES:
                log.warning(
                    "job %s (%s) has %d bytes; over 1 MB Redis and workers get slow. Keep the data elsewhere and"
                    " enqueue its key",
                    record["class"],
                    record["jid"],
                    len(payload),
                )
            arguments.append(payload)
        keys = ["", self._keys.queues, self._keys.schedule, self._keys.schedule_bell]
        for queue in queues:
            keys += [self._keys.queue(queue), self._keys.bell(queue)]
        return jids, keys, arguments


class _Patience:
    """The pauses of one push, until its deadline."""

    def __init__(self, deadline_s: float) -> None:
        self._for_s = deadline_s
        self._until_s = clock.monotonic_s() + deadline_s
        self._pause_s = FIRST_PAUSE_S

    def pause_s(self, error: RedisUnavailable) -> float:
        """Seconds until the next try; raises when the time is over."""
        left_s = self._until_s - clock.monotonic_s()
        if left_s <= 0:
            raise RedisUnavailable(
                f"the job could not be enqueued within {self._for_s:g} s: {error}. It may be in its queue if only the"
                " answer was lost; enqueue it again if it must run, and make it idempotent"
            ) from error
        pause_s, self._pause_s = min(self._pause_s, left_s), min(2 * self._pause_s, LONGEST_PAUSE_S)
        return pause_s


def _batches(requests: Iterable[PushRequest], size: int) -> Iterator[list[PushRequest]]:
    iterator = iter(requests)
    while batch := list(itertools.islice(iterator, size)):
        yield batch
