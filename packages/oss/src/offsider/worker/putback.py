"""Payloads that cannot run here: put back for a worker that knows them, or kept apart with their bytes."""

from __future__ import annotations

import logging

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
    now = clock.now_ms()
    since, count = _earlier(record, now)
    if now - since >= window_s * 1000:
        log.error("job %s (%s) was put into quarantine: %s", record["class"], record["jid"], reason)
        return quarantine(unit, reason)
    delay_s = min(2.0 ** min(count, 10), MOST_DELAY_S)
    record["put_back"] = {"since": since, "count": count + 1, "reason": reason[:1000]}
    record["queue"] = unit.queue
    record.pop("enqueued_at", None)
    log.warning("job %s (%s) was put back for %g s: %s", record["class"], record["jid"], delay_s, reason)
    return Settlement(unit, "schedule", delay_s, records.rewritten(record))


def _earlier(record: records.Record, now: int) -> tuple[int, int]:
    """Since when (ms) and how often it was put back; what a payload says of it is not trusted."""
    note = record.get("put_back") or {}
    since, count = note.get("since"), note.get("count")
    if type(since) is int and type(count) is int and 0 < since <= now and count >= 0:
        return since, count
    return now, 0


def put_off(unit: UnitOfWork) -> Settlement:
    """A good job in a moment without memory, which a neighbour may have used up: as it is, a little later."""
    log.error("a job of queue %s was put off for %g s: there is no memory now", unit.queue, PUT_OFF_S)
    return Settlement(unit, "schedule", PUT_OFF_S, unit.payload)


def quarantine(unit: UnitOfWork, reason: str) -> Settlement:
    """A payload nobody can run is kept with its exact bytes."""
    return Settlement(unit, "quarantine", 0.0, quarantine_entry(unit.queue, reason, unit.payload))


def quarantine_entry(queue: str, reason: str, raw: bytes) -> bytes:
    """One line of JSON (``queue``, ``reason``, ``at`` in ms), a newline, then the bytes as they were."""
    header = records.dumps({"queue": queue, "reason": reason[:1000], "at": clock.now_ms()})
    return header + b"\n" + raw
