"""Waits until replicas have what was just pushed, on the connection that has pushed it. Pushes nothing itself."""

from __future__ import annotations

from .. import clock
from ..errors import TooFewCopies
from ..store.wire import AsyncWire, Wire
from .trip import Trip

ROUND_S = 0.05  # shorter than the shortest timeout of a connection that was made in haste


def confirm(wire: Wire, trip: Trip, within_s: float) -> None:
    """Return once as many replicas as the trip wants have all that went over this connection.

    Raises:
        TooFewCopies: They have not in time, or nobody can say. The jobs are in Redis all the same.
    """
    until_s, found = clock.monotonic_s() + within_s, 0
    try:
        while found < trip.copies and (left_s := until_s - clock.monotonic_s()) > 0:
            found = int(wire.follow("WAIT", trip.copies, _round_ms(left_s)))
    except Exception as error:
        raise _unknown(trip, error) from error
    if found < trip.copies:
        raise _too_few(trip, found, within_s)


async def aconfirm(wire: AsyncWire, trip: Trip, within_s: float) -> None:
    """`confirm` on an event loop."""
    until_s, found = clock.monotonic_s() + within_s, 0
    try:
        while found < trip.copies and (left_s := until_s - clock.monotonic_s()) > 0:
            found = int(await wire.follow("WAIT", trip.copies, _round_ms(left_s)))
    except Exception as error:
        raise _unknown(trip, error) from error
    if found < trip.copies:
        raise _too_few(trip, found, within_s)


def _round_ms(left_s: float) -> int:
    return max(1, round(min(left_s, ROUND_S) * 1000))


def _unknown(trip: Trip, error: Exception) -> TooFewCopies:
    return TooFewCopies(
        f"{_told(trip)} in Redis, and nobody can say on how many replicas (wanted: {trip.copies}): {error}. Do not"
        " enqueue it again: that would be another job",
        trip.jids,
        trip.copies,
        None,
    )


def _too_few(trip: Trip, found: int, within_s: float) -> TooFewCopies:
    return TooFewCopies(
        f"{_told(trip)} in Redis, but {found} of {trip.copies} replicas had it after {within_s:g} s: if this Redis is"
        " lost now, it may be lost. Do not enqueue it again: that would be another job. Look at the replicas:"
        " offsider doctor",
        trip.jids,
        trip.copies,
        found,
    )


def _told(trip: Trip) -> str:
    jids = [jid for jid in trip.jids if jid is not None]
    return f"the job {jids[0]} is" if len(jids) == 1 else f"the trip of {len(jids):,} jobs from {jids[0]} on is"
