"""Pushes jobs: middleware, payload, one idempotent request, repeated while Redis is away."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Iterable, Iterator, Sequence

from .. import clock
from ..errors import EnqueueUncertain, RedisRefused, RedisUnavailable, TooFewCopies
from ..job.push import PushRequest
from ..job.record import SOFT_MAX_BYTES, Record, dumps
from ..store.composer import Composer
from ..store.connection import Connections
from ..store.keys import Keys
from ..store.scripts import Script
from ..store.wire import Argument
from .acceptance import Acceptance
from .called import CalledJobs
from .copies import aconfirm, confirm
from .lanes import AsyncLane, AsyncLanes, Lane, Lanes
from .trip import HEAD_WORDS, LANE_S, Patience, Trip, TripKeys

log = logging.getLogger("offsider.client")


class Client:
    """The push side of one app.

    * client middleware runs before any I/O, once for each job;
    * a request whose reply was lost is repeated under the same lane and number: nothing is put twice;
    * after ``push_deadline_s`` without an answer it raises `EnqueueUncertain`, which can repeat the same request later.
    """

    def __init__(
        self,
        connections: Connections,
        keys: Keys,
        accept: Acceptance,
        script: Script,
        composer: Composer | None = None,
        *,
        push_deadline_s: float,
    ) -> None:
        self._keys = keys
        self._composer = composer if composer is not None and composer.fields else None
        self._accept = accept
        self._deadline_s = self._confirm_s = push_deadline_s
        self._lane_s = LANE_S
        self._lanes = Lanes(connections, longest_s=push_deadline_s)
        self._alanes = AsyncLanes(connections, longest_s=push_deadline_s)
        self._script = script
        self._first_letter = len(keys.queue("")) + 1

    # -- one -----------------------------------------------------------------------------------------------

    def push(self, request: PushRequest) -> str | None:
        """Push one; its jid, or None when a middleware stopped it, or an effect has refused it in Redis."""
        trip = self.prepared((request,))
        (jid,) = self.go(trip)
        if trip.refusal is not None:
            raise trip.refusal
        return jid

    async def apush(self, request: PushRequest) -> str | None:
        """The same on an event loop."""
        trip = self.prepared((request,))
        (jid,) = await self.ago(trip)
        if trip.refusal is not None:
            raise trip.refusal
        return jid

    # -- many ----------------------------------------------------------------------------------------------

    def push_many(self, requests: Iterable[PushRequest], batch_size: int) -> list[str | None]:
        """Push lazily, one trip for each batch; one jid or None for each request, in order."""
        jids: list[str | None] = []
        for batch in batches(requests, batch_size):
            try:
                jids += self.go(self.prepared(batch))
            except (EnqueueUncertain, RedisRefused, TooFewCopies) as error:
                error.before = jids
                raise
        return jids

    async def apush_many(self, requests: Iterable[PushRequest], batch_size: int) -> list[str | None]:
        """The same on an event loop."""
        jids: list[str | None] = []
        for batch in batches(requests, batch_size):
            try:
                jids += await self.ago(self.prepared(batch))
            except (EnqueueUncertain, RedisRefused, TooFewCopies) as error:
                error.before = jids
                raise
        return jids

    def push_once(self, name: str, requests: Sequence[PushRequest], *, remember_s: int) -> None:
        """Push requests under a name: however often this is called with it, by whichever process, they are put once.

        Args:
            name: Of these very requests, for ever.
            requests: No more than one trip holds.
            remember_s: For how long Redis knows the name.

        Raises:
            EnqueueUncertain: No answer within the deadline: call it again.
            RedisRefused: Redis said no; nothing was changed.
        """
        trip = self.prepared(requests)
        if trip.is_empty:
            return
        lane = self._lanes.take()
        try:
            trip.name(self._keys.lane(name), remember_s)
            self._send(lane, trip)
        finally:
            self._lanes.give(lane)

    def put_aside(self, entries: Sequence[bytes]) -> None:
        """Put what is no job into the quarantine; what lies there already is there once.

        Args:
            entries: As ``quarantine_entry`` makes them.

        Raises:
            StoreError: Redis is away or refuses.
        """
        now_s = clock.now_s()
        words: list[Argument] = [word for entry in entries for word in (now_s, entry)]
        lane = self._lanes.take()
        try:
            lane.wire.command("ZADD", self._keys.quarantine, "NX", *words)
        finally:
            self._lanes.give(lane)

    def close(self) -> None:
        """Drop the connections of threads; those of a loop go with it."""
        self._lanes.close()

    async def aclose(self) -> None:
        """Drop the connections of the running event loop."""
        await self._alanes.close()

    # -- a trip --------------------------------------------------------------------------------------------

    def go(self, trip: Trip) -> list[str | None]:
        """Make a trip that was `prepared`; the ids of its jobs."""
        if trip.is_empty:
            return trip.jids
        lane = self._lanes.take()
        try:
            trip.enter(lane, self._keys.lane(lane.id))
            self._send(lane, trip)
        finally:
            self._lanes.give(lane)
        return trip.jids

    async def ago(self, trip: Trip) -> list[str | None]:
        """The same on an event loop."""
        if trip.is_empty:
            return trip.jids
        async with self._alanes.lane() as lane:
            trip.enter(lane, self._keys.lane(lane.id))
            await self._asend(lane, trip)
        return trip.jids

    def _send(self, lane: Lane, trip: Trip) -> None:
        began_s = clock.monotonic_s()
        try:
            trip.hear(lane.wire.run(trip.script or self._script, trip.keys, trip.words))
            if trip.copies:
                confirm(lane.wire, trip, self._confirm_s)
        except RedisUnavailable as error:
            self._send_again(lane, trip, Patience(began_s, self._deadline_s), error)

    def _send_again(self, lane: Lane, trip: Trip, patience: Patience, error: RedisUnavailable) -> None:
        trip.asked |= error.asked
        while not patience.is_over:
            time.sleep(patience.pause_s())
            lane.wire.within_s = patience.try_s
            try:
                trip.hear(lane.wire.run(trip.script or self._script, trip.keys, trip.words))
                if trip.copies:
                    confirm(lane.wire, trip, self._confirm_s)
                return
            except RedisUnavailable as another:
                error = another
                trip.asked |= error.asked
            finally:
                lane.wire.relax()
        raise self._uncertain(lane, trip, error) from error

    async def _asend(self, lane: AsyncLane, trip: Trip) -> None:
        began_s = clock.monotonic_s()
        try:
            trip.hear(await lane.wire.run(trip.script or self._script, trip.keys, trip.words))
            if trip.copies:
                await aconfirm(lane.wire, trip, self._confirm_s)
        except RedisUnavailable as error:
            await self._asend_again(lane, trip, Patience(began_s, self._deadline_s), error)

    async def _asend_again(self, lane: AsyncLane, trip: Trip, patience: Patience, error: RedisUnavailable) -> None:
        trip.asked |= error.asked
        while not patience.is_over:
            await asyncio.sleep(patience.pause_s())
            lane.wire.within_s = patience.try_s
            try:
                trip.hear(await lane.wire.run(trip.script or self._script, trip.keys, trip.words))
                if trip.copies:
                    await aconfirm(lane.wire, trip, self._confirm_s)
                return
            except RedisUnavailable as another:
                error = another
                trip.asked |= error.asked
            finally:
                await lane.wire.relax()
        raise self._uncertain(lane, trip, error) from error

    # -- no answer -------------------------------------------------------------------------------------------

    def _uncertain(self, lane: Lane | AsyncLane, trip: Trip, error: RedisUnavailable) -> EnqueueUncertain:
        lane.rename()  # the old name and number are this request's for ever
        return self._in_doubt(
            trip,
            f"the job could not be enqueued within {self._deadline_s:g} s: {error}. It may be in its queue if only the"
            " answer was lost: again() of this error repeats this very request, and never makes a second job",
        )

    def _in_doubt(self, trip: Trip, message: str) -> EnqueueUncertain:
        error = EnqueueUncertain(message, trip.jids, again=lambda: self._again(trip), aagain=lambda: self._aagain(trip))
        error.asked = trip.asked
        return error

    def _again(self, trip: Trip) -> list[str | None]:
        lane = self._lanes.take()
        try:
            self._send(lane, trip)
        finally:
            self._lanes.give(lane)
        return trip.jids

    async def _aagain(self, trip: Trip) -> list[str | None]:
        async with self._alanes.lane() as lane:
            await self._asend(lane, trip)
        return trip.jids

    # -- preparing -------------------------------------------------------------------------------------------

    def prepared(self, requests: Sequence[PushRequest]) -> Trip:
        """Keys, and a pair of words for each accepted job; raises here what they are refused for, before any I/O."""
        jids: list[str | None] = []
        places = TripKeys(self._keys)
        words: list[Argument] = [0, self._lane_s, self._first_letter]  # the number is the lane's
        copies = 0
        called = None
        now_s = clock.now_s()
        now_ms = int(now_s * 1000)
        for request in requests:
            accepted = self._accept(request)
            if accepted is None:
                jids.append(None)
                continue
            record = accepted.record
            jids.append(record["jid"])
            if accepted.at_s is not None and accepted.at_s > now_s:
                place: Argument = f"@{accepted.at_s!r}"
            else:
                record["enqueued_at"] = now_ms
                place = places.index(record["queue"])
            if accepted.copies > copies:
                copies = accepted.copies
            words += (place, _payload(record))
            if self._composer is not None and self._composer.wants(record):
                called = called or CalledJobs(self._composer)
                called.add(accepted, (len(words) - HEAD_WORDS) // 2 - 1, len(jids) - 1)
        trip = Trip(jids, places.keys, words, copies)
        if called is not None:
            trip.call(called, self._script, self._keys)
        return trip


def _payload(record: Record) -> bytes:
    payload = dumps(record)
    if len(payload) > SOFT_MAX_BYTES:
        log.warning(
            "job %s (%s) has %d bytes; over 1 MB Redis and workers get slow. Keep the data elsewhere and enqueue its"
            " key",
            record["class"],
            record["jid"],
            len(payload),
        )
    return payload


def batches(requests: Iterable[PushRequest], size: int) -> Iterator[list[PushRequest]]:
    """So many at a time, lazily."""
    iterator = iter(requests)
    while batch := list(itertools.islice(iterator, size)):
        yield batch
