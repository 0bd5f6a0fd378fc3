"""The push side of an app with shards: each job to its own Redis. One trip is one for each Redis that it names."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from ..errors import EnqueueUncertain, RedisRefused, TooFewCopies
from ..job.push import PushRequest
from .acceptance import Acceptance
from .push import Client, batches

Jids = list[str | None]
MakeClient = Callable[[str | None], Client]
PlaceOf = Callable[[PushRequest], str | None]


class ShardedClient:
    """`Client` for several Redises.

    * what a call or a middleware says decides; else the queue's name; else it is the app's own Redis;
    * a batch is one trip for each Redis; those are independent: one that is away does not hold up the others. On an
      event loop they are made at once, so that several that are away cost the time of one;
    * a batch in doubt is in doubt as a whole, but `EnqueueUncertain.again` repeats only the trips without an answer.

    Args:
        accept: The client middleware.
        place_of: The shard that a request goes to; None: the app's own Redis.
        make_client: The push side of a shard; of the app's own Redis for None. Raises for a name nobody knows.
    """

    def __init__(self, accept: Acceptance, place_of: PlaceOf, make_client: MakeClient) -> None:
        self._accept = accept
        self._place_of = place_of
        self._make_client = make_client
        self._clients: dict[str | None, Client] = {}

    def push(self, request: PushRequest) -> str | None:
        """Push one; its jid, or None when a middleware stopped it."""
        accepted = self._accepted(request)
        return None if accepted is None else self._client_of(accepted).push(accepted)

    async def apush(self, request: PushRequest) -> str | None:
        """The same on an event loop."""
        accepted = self._accepted(request)
        return None if accepted is None else await self._client_of(accepted).apush(accepted)

    def push_many(self, requests: Iterable[PushRequest], batch_size: int) -> Jids:
        """Push lazily, a batch at a time; one jid or None for each request, in order."""
        jids: Jids = []
        for batch in batches(requests, batch_size):
            try:
                jids += self._split(batch).go()
            except (EnqueueUncertain, RedisRefused, TooFewCopies) as error:
                error.before = jids
                raise
        return jids

    async def apush_many(self, requests: Iterable[PushRequest], batch_size: int) -> Jids:
        """The same on an event loop."""
        jids: Jids = []
        for batch in batches(requests, batch_size):
            try:
                jids += await self._split(batch).ago()
            except (EnqueueUncertain, RedisRefused, TooFewCopies) as error:
                error.before = jids
                raise
        return jids

    def at(self, shard: str | None) -> Client:
        """The push side of one place: what it is given goes there."""
        client = self._clients.get(shard)
        if client is None:
            client = self._clients.setdefault(shard, self._make_client(shard))  # another thread may have been first
        return client

    def close(self) -> None:
        """Drop the connections of threads."""
        for client in self._clients.values():
            client.close()

    async def aclose(self) -> None:
        """Drop the connections of the running event loop."""
        for client in self._clients.values():
            await client.aclose()

    # -- steps -------------------------------------------------------------------------------------------------

    def _accepted(self, request: PushRequest) -> PushRequest | None:
        accepted = self._accept(request)
        if accepted is not None:
            accepted.accepted = True
        return accepted

    def _split(self, batch: Sequence[PushRequest]) -> Split:
        accepted = [self._accepted(request) for request in batch]
        jids: Jids = [None if one is None else one.record["jid"] for one in accepted]
        groups = self._grouped(filter(None, accepted))
        return Split(jids, [Part(shard, self.at(shard), group) for shard, group in groups.items()])

    def _grouped(self, requests: Iterable[PushRequest]) -> dict[str | None, list[PushRequest]]:
        groups: dict[str | None, list[PushRequest]] = {}
        for request in requests:
            groups.setdefault(self._place_of(request), []).append(request)
        return groups

    def _client_of(self, request: PushRequest) -> Client:
        return self.at(self._place_of(request))


_FAILURES = (EnqueueUncertain, RedisRefused, TooFewCopies)
_Failure = EnqueueUncertain | RedisRefused | TooFewCopies


class Part:
    """The jobs of a batch for one Redis; what is to be done about them, which changes when a reply is lost."""

    def __init__(self, shard: str | None, client: Client, requests: list[PushRequest]) -> None:
        # Before the first part goes: a job that cannot be written refuses the whole batch, and nothing was pushed.
        trip = client.prepared(requests)
        self.jids = [request.record["jid"] for request in requests]
        self.place = "the app's own Redis" if shard is None else f"shard {shard!r}"
        self.count = len(requests)
        self.go: Callable[[], Jids] = lambda: client.go(trip)
        self.ago: Callable[[], Awaitable[Jids]] = lambda: client.ago(trip)

    def doubt(self, error: EnqueueUncertain) -> None:
        """From now on it is this very request that is made."""
        self.go, self.ago = error.again, error.aagain

    def refused(self, jids: Jids) -> set[str]:
        """The ids of jobs that were refused, by what was answered."""
        return {mine for mine, jid in zip(self.jids, jids, strict=True) if jid is None}


class Split:
    """One batch on its way to several Redises. What has had its answer is not sent again."""

    def __init__(self, jids: Jids, parts: list[Part]) -> None:
        self.jids = jids
        self._left = parts
        self._few: list[TooFewCopies] = []
        self._count = sum(part.count for part in parts)

    def go(self) -> Jids:
        """Make the trips that are left; the ids of the whole batch."""
        errors: list[_Failure | None] = []
        for part in self._left:
            try:
                self._take_away(part.refused(part.go()))
                errors.append(None)
            except _FAILURES as error:
                errors.append(error)
        return self._end(errors)

    async def ago(self) -> Jids:
        """The same on an event loop, all at once."""
        return self._end(await asyncio.gather(*map(self._ago, self._left)))

    async def _ago(self, part: Part) -> _Failure | None:
        try:
            self._take_away(part.refused(await part.ago()))
        except _FAILURES as error:
            return error
        return None

    def _take_away(self, refused: set[str]) -> None:
        if refused:
            self.jids[:] = [None if jid in refused else jid for jid in self.jids]

    def _end(self, ends: Sequence[_Failure | None]) -> Jids:
        """What became of the trips, in their order."""
        failed: list[tuple[Part, EnqueueUncertain | RedisRefused]] = []
        for part, error in zip(self._left, ends, strict=True):
            if isinstance(error, TooFewCopies):
                self._few.append(error)  # its jobs are there
            elif error is not None:
                failed.append((part, error))
                if isinstance(error, EnqueueUncertain):
                    part.doubt(error)
        self._left = [part for part, _error in failed]
        if failed:
            raise self._failure(failed) from failed[0][1]
        self._check_copies()
        return self.jids

    def _failure(self, failed: Sequence[tuple[Part, EnqueueUncertain | RedisRefused]]) -> Exception:
        told = "; ".join(f"{part.place}: {error}" for part, error in failed)
        if any(isinstance(error, EnqueueUncertain) for _part, error in failed):
            return EnqueueUncertain(told, self.jids, again=self.go, aagain=self.ago)
        refused = {jid for part in self._left for jid in part.jids}
        there = self._count - len(refused)
        error = RedisRefused(f"{told}. The other {there} jobs of this trip are in their queues" if there else told)
        error.jids = [None if jid in refused else jid for jid in self.jids] if there else []
        return error

    def _check_copies(self) -> None:
        if self._few:
            worst = min(self._few, key=lambda error: -1 if error.found is None else error.found)
            raise TooFewCopies(str(worst), self.jids, worst.wanted, worst.found) from worst
