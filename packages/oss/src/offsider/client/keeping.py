"""The push side when somebody keeps what Redis does not answer. Keeps nothing itself."""

from __future__ import annotations

import os
from typing import Any

from ..contract.undelivered import Keeper, Undelivered
from ..errors import EnqueueUncertain, NotKept
from .push import Client
from .trip import LANE_S, Trip


class KeepingClient(Client):
    """`Client` for a Redis that has a keeper.

    * a trip without an answer is kept, and its caller has its ids;
    * while the keeper holds something of this process, trips go behind it without being tried;
    * a trip that waits for replicas is not kept: its caller has asked for more than a keeper gives.

    Args:
        keeper: Who keeps.
        given: Arguments of `Client`; its deadline is the keeper's when that has one.
    """

    def __init__(self, keeper: Keeper, *given: Any, push_deadline_s: float) -> None:
        patience_s = push_deadline_s if keeper.patience_s is None else min(keeper.patience_s, push_deadline_s)
        super().__init__(*given, push_deadline_s=patience_s)
        self._confirm_s = push_deadline_s
        self._lane_s = max(LANE_S, keeper.remember_s)
        self._keeper = keeper

    def go(self, trip: Trip) -> list[str | None]:
        """Make a trip that was `prepared`, now or later; the ids of its jobs."""
        if trip.is_empty or trip.copies:
            return super().go(trip)
        if self._keeper.holds:
            self._name(trip)
            return self._keep(trip, None)
        try:
            return super().go(trip)
        except EnqueueUncertain as error:
            return self._keep(trip, error)

    async def ago(self, trip: Trip) -> list[str | None]:
        """The same on an event loop."""
        if trip.is_empty or trip.copies:
            return await super().ago(trip)
        if self._keeper.holds:
            self._name(trip)
            return await self._akeep(trip, None)
        try:
            return await super().ago(trip)
        except EnqueueUncertain as error:
            return await self._akeep(trip, error)

    def close(self) -> None:
        """Drop the connections of threads, and let the keeper go."""
        super().close()
        self._keeper.close()

    def _name(self, trip: Trip) -> None:
        """A lane of its own, so that it can be repeated whatever becomes of it."""
        trip.name(self._keys.lane(os.urandom(9).hex()), self._lane_s)

    def _keep(self, trip: Trip, error: EnqueueUncertain | None) -> list[str | None]:
        try:
            self._keeper.keep(_undelivered(trip))
        except NotKept as reason:
            raise self._refused(trip, error, reason) from reason
        return trip.jids

    async def _akeep(self, trip: Trip, error: EnqueueUncertain | None) -> list[str | None]:
        try:
            await self._keeper.akeep(_undelivered(trip))
        except NotKept as reason:
            raise self._refused(trip, error, reason) from reason
        return trip.jids

    def _refused(self, trip: Trip, error: EnqueueUncertain | None, reason: NotKept) -> EnqueueUncertain:
        if error is not None:
            return self._in_doubt(trip, f"{error}. {reason}")
        return self._in_doubt(
            trip,
            f"the job was to go behind others that are kept until Redis is back. {reason}. again() of this error"
            " repeats this very request, and never makes a second job",
        )


def _undelivered(trip: Trip) -> Undelivered:
    # Copies: the keeper may send it under another lane, and the caller, if it is not kept, under its own.
    return Undelivered([*trip.jids], [*trip.keys], [*trip.words], trip.asked, trip.memory)
