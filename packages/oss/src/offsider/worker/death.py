"""What is told when a job dies: its own hook first, then the listeners. The job dies whatever they do."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..contract.seams import Events
    from ..job.define import Job
    from ..job.record import Record

log = logging.getLogger("offsider.worker")


def announce(job: Job[..., Any] | None, record: Record, error: BaseException, events: Events) -> None:
    """Run ``on_exhausted`` of a job, then emit ``death``.

    Args:
        job: The registered job; None when this process does not know it.
        record: The payload as it is kept.
        error: What it died of.
        events: Where the listeners are.
    """
    hook = None if job is None else job.options.on_exhausted
    if hook is not None:
        try:
            hook(record, error)
        except Exception:
            log.exception("the on_exhausted hook of job %s failed; the job dies all the same", record["class"])
    events.emit("death", record, error)
