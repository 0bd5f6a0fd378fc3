"""Keeps what jobs with ``result_ttl`` have returned, before they are acknowledged. Others cost nothing."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .. import clock
from ..errors import OffsiderError, RedisRefused
from ..job.options import MOST_RESULT_S
from ..job.outcome import Kind, Outcome
from ..job.result import MOST_ERROR_TEXT, kept
from ..job.sealing import MASK
from ..store.connection import Connections
from ..store.keys import Keys
from ..store.scripts import load
from ..store.wire import Argument
from .execution import Execution
from .retry import error_name, error_text

log = logging.getLogger("offsider.worker")

MOST_A_TRIP = 100
SEALED = ("value", "error_message")

_STATES = {
    Kind.DONE: "done",
    Kind.CANCELLED: "cancelled",
    Kind.DEAD: "failed",
    Kind.DISCARDED: "failed",
}


@dataclass(frozen=True, slots=True)
class KeptResult:
    """What one job has returned.

    Attributes:
        field: The job's name in the in-flight hash.
        jid: The job.
        ttl_s: For how long it is kept.
        payload: The bytes.
    """

    field: str
    jid: str
    ttl_s: int
    payload: bytes


def result_of(execution: Execution, outcome: Outcome, value: Any) -> KeptResult | None:
    """What is to be kept of an attempt: nothing, unless the job wants it and this was its end.

    Args:
        execution: The attempt.
        outcome: How it ended.
        value: What the body returned.
    """
    ttl_s, state = execution.record.get("result_ttl"), _STATES.get(outcome.kind)
    if not ttl_s or state is None:
        return None
    at_ms = clock.now_ms()
    if outcome.error is not None:
        payload = _kept(execution, state, at_ms, **_error(outcome.error))
    elif state == "done":
        payload = _done(execution, value, at_ms)
    else:
        payload = _kept(execution, state, at_ms)
    return KeptResult(execution.unit.field, execution.jid, min(max(1, round(ttl_s)), MOST_RESULT_S), payload)


def _kept(execution: Execution, state: str, at_ms: int, **more: Any) -> bytes:
    job = execution.job
    if more and job.hides(execution.record):
        more["class"] = job.name
        job.codec.seal_fields(more, SEALED, jid=execution.jid, of="result")
        del more["class"]
    return kept(state, job.name, at_ms, **more)


def _done(execution: Execution, value: Any, at_ms: int) -> bytes:
    job = execution.job
    try:
        return _kept(execution, "done", at_ms, value=job.returned.encode(value))
    except MemoryError:
        raise
    except Exception as error:  # the annotation's own code may raise anything; the job is done all the same
        told = MASK if job.hides(execution.record) else error
        if not isinstance(error, OffsiderError):
            log.error("the result of job %s (%s) could not be written", job.name, execution.jid, exc_info=told is error)
        else:
            log.warning("the result of job %s (%s) is not kept: %s", job.name, execution.jid, told)
        return _kept(execution, "done", at_ms, **_error(error))


def _error(error: BaseException) -> dict[str, Any]:
    return {"error_class": error_name(error), "error_message": error_text(error)[:MOST_ERROR_TEXT]}


class ResultKeeper:
    """One capsule's way to keep results; used by whoever makes its rounds."""

    def __init__(self, connections: Connections, keys: Keys) -> None:
        self._wire = connections.wire("results", read_timeout_s=15.0)
        self._keys = keys
        self._script = load("keep_results")

    def keep(self, owner: str, results: Sequence[KeptResult]) -> None:
        """Keep them; may be repeated. A Redis that is full keeps none: that is told, and the jobs are acknowledged.

        Args:
            owner: Who holds the jobs.
            results: Theirs.

        Raises:
            RedisUnavailable: Redis is away.
        """
        for k in range(0, len(results), MOST_A_TRIP):
            some = results[k : k + MOST_A_TRIP]
            names = [self._keys.inflight(owner), *(self._keys.result(one.jid) for one in some)]
            words: list[Argument] = [word for one in some for word in (one.field, one.ttl_s, one.payload)]
            try:
                kept_count = self._wire.run(self._script, names, words)
            except RedisRefused as error:
                log.error("%d results are not kept: %s", len(some), error)
                continue
            if kept_count < len(some):
                log.warning("%d results are not kept: their jobs run elsewhere", len(some) - kept_count)

    def close(self) -> None:
        """Drop the connection."""
        self._wire.close()
