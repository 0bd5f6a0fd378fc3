"""Where a job is and why it does not run: what ``app.why(jid)`` answers. Only reads."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..job.record import Record
from ..job.sealing import masked, shown
from ..store.connection import redacted
from .info import searcher
from .search import DEAD, IN_FLIGHT, QUARANTINE, QUEUE, RETRY, SCHEDULE, Found, Near
from .workforce import Process, identity_of, living, running_since

if TYPE_CHECKING:
    from ..app import App
    from ..store.wire import Wire

log = logging.getLogger("offsider")

NOWHERE = "nowhere"
UNKNOWN = "unknown"
LIMIT = 100_000
CORE_OWNER = "core"  # as `App` registers what is in `CORE`
SOON = ": it is to be taken soon"

Reason = Callable[[Any, Record, str], str | None]


@dataclass(frozen=True, slots=True)
class Why:
    """The answer.

    Attributes:
        jid: The id that was asked for.
        place: ``queue``, ``in flight``, ``schedule``, ``retry``, ``dead``, ``quarantine``; ``nowhere`` when it is in
            none of them, ``unknown`` when the search ended at its limit.
        summary: One line about the place.
        reasons: Why it does not run now, or what became of it; empty for a job that runs.
        name, queue: Of the job; empty when they are not known.
        position, length: In a queue: 1 is taken next; how many there are.
        at_s: When it is due, has died, came to the quarantine or began to run. Epoch seconds.
        process: In flight: who has it.
        looked_at: How many entries were looked at.
        record: All of its payload; None when it was not found, or is no job.

    Example:
        >>> str(Why("b4a577edbccf1d805744efa9", "nowhere", "it is not in Redis", ("it has finished",)))
        'b4a577edbccf1d805744efa9: it is not in Redis\\n  * it has finished'
    """

    jid: str
    place: str
    summary: str
    reasons: tuple[str, ...] = ()
    name: str = ""
    queue: str = ""
    position: int | None = None
    length: int | None = None
    at_s: float | None = None
    process: str = ""
    looked_at: int = 0
    record: Record | None = None

    def __str__(self) -> str:
        """The summary, and a line for each reason."""
        return "\n".join([f"{self.jid}: {self.summary}", *(f"  * {reason}" for reason in self.reasons)])

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON; a mask for what is encrypted."""
        return {**asdict(self), "record": None if self.record is None else masked(self.record)}


def why(app: App, jid: str, *, limit: int = LIMIT, near: Near | None = None, within_s: float | None = None) -> Why:
    """Find a job and explain it.

    Args:
        app: Whose Redis to look into.
        jid: What ``enqueue`` returned.
        limit: How many entries to look at, at most.
        near: Where it was seen last: looked at first.
        within_s: End the search after so many seconds, about; it then says that it has not looked at everything.

    Raises:
        InvalidOption: ``jid`` is no id, or ``limit`` no such number.
        StoreError: Redis is away or refuses.
    """
    with app.desk.wire() as wire:
        return _Inquiry(app, wire, jid, limit, near, within_s).answer()


class _Inquiry:
    """One question."""

    def __init__(self, app: App, wire: Wire, jid: str, limit: int, near: Near | None, within_s: float | None) -> None:
        self._app = app
        self._jid = jid
        self._limit = limit
        self._wire = wire
        self._search = searcher(app, wire, jid, limit, near, within_s)

    def answer(self) -> Why:
        """Search, then explain what was found."""
        found = self._search.find()
        if found is None:
            return self._not_found()
        seconds, microseconds = self._wire.command("TIME")
        now_s = int(seconds) + int(microseconds) / 1e6
        return self._explain(found, now_s, living(self._wire, self._app.keys, now_s))

    def _not_found(self) -> Why:
        looked_at = self._search.looked_at
        if not self._search.complete:
            limited = looked_at >= self._limit
            ended = f"at its limit of {self._limit:,} entries" if limited else "as it had no more time"
            reason = f"the search ended {ended}: {'ask again with a higher limit' if limited else 'ask it to go on'}"
            return Why(self._jid, UNKNOWN, f"not found among {looked_at:,} entries", (reason,), looked_at=looked_at)
        reason = (
            "it has finished, was discarded or deleted, or was never enqueued in the namespace"
            f" {self._app.keys.namespace!r} of {redacted(self._app.connections.url)}"
        )
        return Why(self._jid, NOWHERE, "it is not in Redis", (reason,), looked_at=looked_at)

    def _explain(self, found: Found, now_s: float, workers: list[Process]) -> Why:
        record, process, at_s = found.record, "", found.at_s
        if found.place == IN_FLIGHT:
            process = identity_of(found.owner)
            at_s = running_since(self._wire, self._app.keys, process, self._search.is_it)
        summary, reasons = _PLACES[found.place](found, now_s, workers, at_s)
        if record is None:
            reasons.append("its bytes are no job; a worker that takes them puts them into quarantine")
        else:
            told = self._registered(record, found.place)
            if any(owner != CORE_OWNER for owner, _text in told):
                # Somebody knows more of it than we do, perhaps what keeps it here: the core promises nothing then.
                reasons = [reason.removesuffix(SOON) for reason in reasons]
            reasons += [text for _owner, text in told]
        return Why(
            self._jid,
            found.place,
            summary,
            tuple(reasons),
            name=str(record["class"]) if record else "",
            queue=found.queue or (str(record.get("queue") or "default") if record else ""),
            position=found.position,
            length=found.length,
            at_s=at_s,
            process=process,
            looked_at=self._search.looked_at,
            record=record,
        )

    def _registered(self, record: Record, place: str) -> list[tuple[str, str]]:
        """What the core and editions know of it, each with its owner; one that fails is logged."""
        told: list[tuple[str, str]] = []
        for name, reason in self._app.reasons.items():
            owner = self._app.reasons.owner(name)
            try:
                text = reason(self._app, record, place)
            except Exception:
                log.exception("the reason %r of %s failed for job %s; the others are told", name, owner, self._jid)
                continue
            if text:
                told.append((owner, str(text)))
        return told


# -- places ----------------------------------------------------------------------------------------------------

Told = tuple[str, list[str]]


def _in_queue(found: Found, _now_s: float, workers: list[Process], _at_s: float | None) -> Told:
    summary = f"waiting in the queue {found.queue!r}, number {found.position} of {found.length}; number 1 is next"
    takers = [one for one in workers if found.queue in one.queues]
    awake = [one for one in takers if not one.quiet]
    slots, busy = sum(one.concurrency for one in awake), sum(one.busy for one in awake)
    if not takers:
        reason = f"no live worker takes the queue {found.queue!r} ({_count(workers)}): start one with -q {found.queue}"
    elif not awake:
        reason = f"of the workers that take it all are quiet ({len(takers)}): they fetch no more. Start another one"
    elif busy >= slots:
        reason = f"all {slots} slots of the workers that take it are busy ({len(awake)} workers)"
    else:
        reason = f"{len(awake)} live workers take it, and run {busy} jobs in {slots} slots{SOON}"
    return summary, [reason]


def _in_flight(found: Found, now_s: float, workers: list[Process], at_s: float | None) -> Told:
    process = identity_of(found.owner)
    if found.at_s is not None and found.at_s <= now_s:
        over = f"the lease of its process ended {now_s - found.at_s:.0f} s ago: it is gone, frozen, or cut off"
        then = "a live worker gives the job back within seconds" if workers else "no live worker is there to do it"
        return f"taken by {process}, which is not heard any more", [over, f"its job is to run again: {then}"]
    if at_s is None:
        return f"taken by {process}: it is about to begin, or has just ended", []
    return f"running in {process} since {_time(at_s)}, for {max(now_s - at_s, 0):.0f} s", []


def _waiting(found: Found, now_s: float, workers: list[Process], at_s: float | None) -> Told:
    due_s = at_s or 0.0
    what = "to be tried again" if found.place == RETRY else "scheduled"
    if due_s > now_s:
        return f"{what} at {_time(due_s)}, in {due_s - now_s:.0f} s", []
    reason = "a live worker moves it to its queue within seconds" if workers else "no live worker is there to move it"
    return f"{what} at {_time(due_s)}, {now_s - due_s:.0f} s ago", [f"it is due: {reason}"]


def _dead(_found: Found, _now_s: float, _workers: list[Process], at_s: float | None) -> Told:
    return f"dead since {_time(at_s or 0.0)}: no retries were left", ["it is run again by app.dead.retry(jid)"]


def _quarantined(found: Found, _now_s: float, _workers: list[Process], at_s: float | None) -> Told:
    return f"in quarantine since {_time(at_s or 0.0)}: no worker could run it", [found.reason or "no reason is noted"]


_PLACES: dict[str, Callable[[Found, float, list[Process], float | None], Told]] = {
    QUEUE: _in_queue,
    IN_FLIGHT: _in_flight,
    RETRY: _waiting,
    SCHEDULE: _waiting,
    DEAD: _dead,
    QUARANTINE: _quarantined,
}


def _count(workers: list[Process]) -> str:
    return f"{len(workers)} live workers in all" if workers else "no worker lives at all"


def _time(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="seconds")


# -- the core's own reasons --------------------------------------------------------------------------------------


def _put_back(_app: Any, record: Record, _place: str) -> str | None:
    note = record.get("put_back")
    if not isinstance(note, dict):
        return None
    since, count = note.get("since"), note.get("count")
    what = "held" if note.get("held") else "put back"
    times = f"{count} times" if type(count) is int else "before"
    when = f" since {_time(since / 1000)}" if type(since) is int and 0 < since < 1e14 else ""
    return f"it was {what} {times}{when}: {str(note.get('reason', ''))[:1000]}"


def _failed(_app: Any, record: Record, _place: str) -> str | None:
    if "error_class" not in record:
        return None
    attempt = max(int(record.get("retry_count", 0)) + 1, 1)
    return f"attempt {attempt} failed with {record['error_class']}: {str(shown(record, 'error_message'))[:1000]}"


def _crashed(_app: Any, record: Record, _place: str) -> str | None:
    return f"its process was lost {record['crashes']} times while it was in flight" if record.get("crashes") else None


CORE: dict[str, Reason] = {"put back": _put_back, "failed": _failed, "crashed": _crashed}
