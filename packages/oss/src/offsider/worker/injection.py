"""Gives a running job its `Context`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..job.context import Context
from .execution import Execution

Injector = Callable[[Execution], None]


def inject(execution: Execution) -> None:
    """Put a `Context` where the job's signature asks for one."""
    execution.job.arguments.inject(execution.args, execution.kwargs, context_of(execution))


def context_of(execution: Execution) -> Context:
    """The context of one attempt."""
    record = execution.record

    def progress(done: float, total: float, note: str) -> None:
        execution.progress = (done, total, note)

    return Context(
        jid=execution.jid,
        name=execution.job.name,
        queue=execution.queue,
        attempt=int(record["retry_count"]) + 1 if "retry_count" in record else 0,
        tags=tuple(map(str, record.get("tags") or ())),
        enqueued_ms=_milliseconds(record.get("enqueued_at")),
        stopping=lambda: execution.capsule.quieted or execution.hears_cancel(),
        cancelled=execution.hears_cancel,
        ours=lambda: not execution.lost,
        progress=progress,
    )


def _milliseconds(stamp: Any) -> int | None:
    """Sidekiq wrote seconds as a float up to version 7, and whole milliseconds since."""
    if type(stamp) is float:
        return round(stamp * 1000)
    return stamp if type(stamp) is int else None
