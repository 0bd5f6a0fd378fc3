"""Cancels one job by its id, wherever it is: removes it where it waits, asks its process to end it where it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..contract.effects import CANCELLED, Call
from ..store.wire import Argument
from .info import searcher
from .queues import remove
from .search import DEAD, IN_FLIGHT, QUARANTINE, QUEUE, SCHEDULE, Found
from .why import NOWHERE, UNKNOWN
from .workforce import identity_of

if TYPE_CHECKING:
    from ..store.wire import Wire
    from .manage import Management

HOLDS_S = 60
MOST_TRIES = 5


@dataclass(frozen=True, slots=True)
class Cancellation:
    """What a cancel has done; true when the job was removed or its process was asked.

    Attributes:
        jid: The job.
        place: Where it was, as in `offsider.api.why.Why`.
        removed: True when it is gone.
        requested: True when its process was asked to end it. The request is for this attempt only and ends after
            a minute; a process that is there has it within a second.

    Example:
        >>> bool(Cancellation("b4a5", "queue", removed=True)), bool(Cancellation("b4a5", "dead"))
        (True, False)
    """

    jid: str
    place: str
    removed: bool = False
    requested: bool = False

    def __bool__(self) -> bool:
        """True when the job will not run to its end, or was asked not to."""
        return self.removed or self.requested


def cancel(app: Management, jid: str, *, limit: int) -> Cancellation:
    """Find a job and cancel it. One that moves meanwhile is looked for again.

    Args:
        app: Whose Redis.
        jid: What ``enqueue`` returned.
        limit: How many entries to look at, at most.

    Raises:
        InvalidOption: ``jid`` is no id, or ``limit`` no such number.
        StoreError: Redis is away or refuses; it may be repeated.
    """
    with app.desk.wire() as wire:
        place = UNKNOWN
        for _ in range(MOST_TRIES):
            search = searcher(app, wire, jid, limit)
            found = search.find()
            if found is None:
                return Cancellation(jid, NOWHERE if search.complete else UNKNOWN)
            place = found.place
            if place in (DEAD, QUARANTINE):
                break
            done = _cancel_there(app, wire, jid, found)
            if done:
                return done
    return Cancellation(jid, place)


def _cancel_there(app: Management, wire: Wire, jid: str, found: Found) -> Cancellation:
    """Where it was found; false when it is not there any more."""
    if found.place == IN_FLIGHT:
        answer = _ask_its_process(app, wire, jid, found)
        done = Cancellation(jid, found.place, removed=answer == 2, requested=answer == 1)
    elif found.place == QUEUE:
        done = Cancellation(jid, found.place, removed=remove(app, wire, found, CANCELLED))
    else:
        key = app.keys.schedule if found.place == SCHEDULE else app.keys.retry
        done = Cancellation(jid, found.place, removed=_take_out(app, wire, key, found))
    record = found.record
    if done.removed and record is not None:
        app.events.emit("cancelled", record)
    return done


def _ask_its_process(app: Management, wire: Wire, jid: str, found: Found) -> int:
    keys, identity = app.keys, identity_of(found.owner)
    names = [keys.owners, keys.inflight(found.owner), keys.cancels(identity), keys.cancels_bell(identity)]
    words: list[Argument] = [found.owner, found.field, found.raw, jid, HOLDS_S]
    return int(wire.run(*app.composer.request(app.scripts["cancel"], names, words, _calls(app, found))))


def _take_out(app: Management, wire: Wire, key: str, found: Found) -> bool:
    """Out of the schedule, or the retries."""
    keys, jobs = app.keys, app.settings.jobs
    names = [key, keys.dead, keys.queues, keys.schedule_bell]
    words: list[Argument] = [len(keys.queue("")) + 1, jobs.dead_max, round(jobs.dead_days * 86_400)]
    words += ("delete", found.raw, 0, b"")
    (done,) = wire.run(*app.composer.request(app.scripts["act"], names, words, _calls(app, found)))
    return bool(done)


def _calls(app: Management, found: Found) -> list[tuple[str | int, Call]]:
    """What effects have to do when this job is cancelled in this very request; a process that is asked does its own."""
    record = found.record
    return [] if record is None else [(0, call) for call in app.composer.safe_calls(CANCELLED, record)]
