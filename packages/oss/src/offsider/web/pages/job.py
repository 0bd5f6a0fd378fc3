"""One job: where it is, why it does not run, everything it carries, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from ...api.entry import JobEntry
from ...api.results import wait_for
from ...api.search import DEAD, IN_FLIGHT, QUEUE, RETRY, SCHEDULE
from ...contract.web import CHANGE, Page
from ...errors import InvalidOption, shown
from ..frames import frames
from ..listing import DELETE, KILL, RUN
from ..visit import Visit

CANCELLED = "Its process was asked to end it"
MOVED = "Nothing was done: the job is not where it was"
OFFERED = {
    QUEUE: ("delete",),
    SCHEDULE: ("run_now", "kill", "delete"),
    RETRY: ("run_now", "kill", "delete"),
    DEAD: ("run_now", "delete"),
    IN_FLIGHT: ("cancel",),
}
SHOWN = frozenset({
    "class", "display_class", "args", "kwargs", "jid", "queue", "created_at", "enqueued_at", "tags", "retry",
    "retry_count", "failed_at", "retried_at", "error_class", "error_message", "error_backtrace", "context",
})  # fmt: skip


def job(visit: Visit) -> Response:
    """All of one job; one that is not in Redis may have left its result."""
    jid = visit.path["jid"]
    why = visit.app.why(jid)
    entry = None
    if why.record is not None:
        entry = JobEntry(why.jid, why.name, why.queue, why.at_s, why.position, why.record, b"")
    info = visit.app.job_info(jid) if why.place == IN_FLIGHT else None
    result = wait_for(visit.app, jid, 0.0) if entry is None else None
    return visit.page(
        "offsider/job.html",
        jid=jid, why=why, job=entry, progress=info.progress if info else None, result=result,
        frames=frames(entry.traceback) if entry else [],
        deeds=OFFERED.get(why.place, ()), rows=visit.site.rows(entry) if entry else [],
        rest={name: value for name, value in (why.record or {}).items() if name not in SHOWN},
    )  # fmt: skip


def act(visit: Visit) -> Response:
    """Run it now, kill, delete or cancel it: where it is now."""
    jid, wanted = visit.path["jid"], visit.sent("act")
    deeds: dict[str, Callable[[Any, str], tuple[bool, str]]] = {
        "cancel": _cancel,
        "delete": _delete,
        "run_now": lambda app, one: (any(place.run_now(one) for place in _sets(app)), RUN.said),
        "kill": lambda app, one: (any(place.kill(one) for place in (app.retries, app.scheduled)), KILL.said),
    }
    if wanted not in deeds:
        raise InvalidOption(f"act is {shown(wanted)}: expected one of {', '.join(deeds)}")
    done, said = deeds[wanted](visit.app, jid)
    address = visit.wanted_back(visit.url("/jobs", jid))
    return visit.back(address, said if done else MOVED, 1 if done and said != CANCELLED else None)


def _sets(app: Any) -> tuple[Any, ...]:
    return (app.retries, app.scheduled, app.dead)


def _cancel(app: Any, jid: str) -> tuple[bool, str]:
    done = app.cancel(jid)
    return bool(done), CANCELLED if done.requested else DELETE.said


def _delete(app: Any, jid: str) -> tuple[bool, str]:
    """Out of whichever set it is in, or its queue; what is in flight is not deleted but cancelled."""
    if any(place.delete(jid) for place in _sets(app)):
        return True, DELETE.said
    info = app.job_info(jid)
    found = info is not None and info.place == QUEUE
    return found and bool(app.queues[info.queue].delete(jid)), DELETE.said


PAGES = {
    "": Page("/jobs/{jid:path}", job),
    ".act": Page("/jobs/{jid:path}", act, "POST", CHANGE, says=(RUN.said, KILL.said, DELETE.said, CANCELLED, MOVED)),
}
