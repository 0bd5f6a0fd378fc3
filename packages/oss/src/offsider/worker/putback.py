"""Payloads that cannot run here or now: put back for later, held, or kept apart with their bytes."""

from __future__ import annotations

import logging
from typing import Any

from .. import clock
from ..contract.work import Settlement, UnitOfWork
from ..job import record as records

log = logging.getLogger("offsider.worker")

MOST_DELAY_S = 60.0
PUT_OFF_S = 2.0


def put_back(unit: UnitOfWork, record: records.Record, reason: str, window_s: float) -> Settlement:
    """A job that this worker does not know or whose arguments do not fit goes to the schedule, with the reason.

    During a deploy, workers of two versions share the queues: a job of the newer one waits for a newer worker,
    and no attempt is used. When ``window_s`` is over since the first time, it is put into quarantine.

    The delay doubles from 1 s to a minute, so that a job nobody knows costs almost nothing.
    """
    note = _note(record, reason, held=False)
    if clock.now_ms() - note["since"] >= window_s * 1000:
        log.error("job %s (%s) was put into quarantine: %s", record["class"], record["jid"], reason)
        return quarantine(unit, reason)
    delay_s = _patient_s(note)
    log.warning("job %s (%s) was put back for %g s: %s", record["class"], record["jid"], delay_s, reason)
    return _later(unit, record, note, delay_s)


def hold(unit: UnitOfWork, record: records.Record, reason: str, delay_s: float | None = None) -> Settlement:
    """A good job that may not run now goes to the schedule, with the reason, as often as it takes.

    No attempt is used, and no window ends it: it is never put into quarantine for having waited.

    Args:
        unit: Its place.
        record: A fresh copy of its payload; it is changed and becomes the next one.
        reason: Why it may not run.
        delay_s: For how long; None to double it from 1 s to a minute.
    """
    note = _note(record, reason, held=True)
    return _later(unit, record, note, _patient_s(note) if delay_s is None else delay_s)


def interrupted(unit: UnitOfWork, record: records.Record | None) -> Settlement:
    """A resumable job goes on later.

    Args:
        unit: Its place.
        record: A fresh copy of its payload, to come back at the end of its queue, by the schedule; None to have it
            taken next, as it is.
    """
    if record is None:
        return Settlement(unit, "back", 0.0, None)
    record["queue"] = unit.queue
    record.pop("enqueued_at", None)
    record.pop("put_back", None)  # it has run
    return Settlement(unit, "schedule", 0.0, records.rewritten(record))


def _later(unit: UnitOfWork, record: records.Record, note: dict[str, Any], delay_s: float) -> Settlement:
    record["put_back"] = note
    record["queue"] = unit.queue
    record.pop("enqueued_at", None)
    return Settlement(unit, "schedule", delay_s, records.rewritten(record))


def _note(record: records.Record, reason: str, *, held: bool) -> dict[str, Any]:
    """Since when (ms), how often and why; what a payload says of earlier times is not trusted.

    The time for which a job was held does not count as one in which nobody knew it, and the other way round.
    """
    now = clock.now_ms()
    earlier = record.get("put_back") or {}
    since, count = earlier.get("since"), earlier.get("count")
    if not (type(since) is int and type(count) is int and 0 < since <= now and count >= 0):
        since, count = now, 0
    if earlier.get("held", False) is not held:
        since, count = now, 0
    note: dict[str, Any] = {
        "since": since,
        "count": count + 1,
        "reason": reason[:1000].encode("utf-8", "replace").decode("utf-8"),
    }
    return {**note, "held": True} if held else note


def _patient_s(note: dict[str, Any]) -> float:
    return float(min(2.0 ** min(note["count"] - 1, 10), MOST_DELAY_S))


def put_off(unit: UnitOfWork) -> Settlement:
    """A good job in a moment without memory, which a neighbour may have used up: as it is, a little later."""
    log.error("a job of queue %s was put off for %g s: there is no memory now", unit.queue, PUT_OFF_S)
    return Settlement(unit, "schedule", PUT_OFF_S, unit.payload)


def quarantine(unit: UnitOfWork, reason: str) -> Settlement:
    """A payload nobody can run is kept with its exact bytes."""
    return Settlement(unit, "quarantine", 0.0, quarantine_entry(unit.queue, reason, unit.payload))


def quarantine_entry(queue: str, reason: str, raw: bytes, at_ms: int | None = None) -> bytes:
    """One line of JSON (``queue``, ``reason``, ``at`` in ms: now when None), a newline, then the bytes as they were."""
    header = records.dumps({"queue": queue, "reason": reason[:1000], "at": clock.now_ms() if at_ms is None else at_ms})
    return header + b"\n" + raw
