"""One job: where it is, why it does not run, everything it carries, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from ...api.entry import JobEntry
from ...api.info import job_info
from ...api.results import wait_for
from ...api.search import DEAD, IN_FLIGHT, QUEUE, RETRY, SCHEDULE, Near
from ...api.why import LIMIT, NOWHERE, UNKNOWN, Why
from ...api.why import why as explain
from ...contract.web import CHANGE, Page
from ...errors import InvalidOption, shown
from ..frames import frames
from ..listing import DELETE, KILL, RUN
from ..near import near, seen
from ..part import AT_ONCE_S
from ..typed import local_time
from ..visit import Visit

RESCHEDULED = "It has another time now"
CANCELLED = "Its process was asked to end it"
FAR = 5_000_000
MOVED = "Nothing was done: the job is not where it was"
SAYS = (RUN.said, KILL.said, DELETE.said, CANCELLED, RESCHEDULED, MOVED)
OFFERED = {
    QUEUE: ("delete",),
    SCHEDULE: ("run_now", "kill", "delete", "reschedule"),
    RETRY: ("run_now", "kill", "delete", "reschedule"),
    DEAD: ("run_now", "delete"),
    IN_FLIGHT: ("cancel",),
}
SHOWN = frozenset({
    "class", "display_class", "args", "kwargs", "jid", "queue", "created_at", "enqueued_at", "tags", "retry",
    "retry_count", "failed_at", "retried_at", "error_class", "error_message", "error_backtrace", "context",
})  # fmt: skip


def job(visit: Visit) -> Response:
    """All of one job; one that is not in Redis may have left its result."""
    jid, far = visit.path["jid"], visit.choice("far", ("", "1"))
    limit, within_s = (FAR, None) if far else (LIMIT, AT_ONCE_S)
    why = explain(visit.app, jid, limit=limit, near=near(visit), within_s=within_s)
    entry = None
    if why.record is not None:
        entry = JobEntry(why.jid, why.name, why.queue, why.at_s, why.position, why.record, b"")
    result = wait_for(visit.app, jid, 0.0) if entry is None else None
    return visit.page(
        "offsider/job.html",
        jid=jid, why=why, job=entry, progress=_progress(visit.app, why), result=result,
        following=_following(visit, why), far=visit.here(far="1") if why.place == UNKNOWN and not far else "",
        frames=frames(entry.traceback) if entry else [],
        deeds=OFFERED.get(why.place, ()), rows=visit.site.rows(entry) if entry else [],
        rest={name: value for name, value in (why.record or {}).items() if name not in SHOWN},
    )  # fmt: skip


def _progress(app: Any, why: Why) -> tuple[float, float, str] | None:
    if why.place != IN_FLIGHT:
        return None
    info = job_info(app, why.jid, limit=LIMIT, near=Near(IN_FLIGHT, process=why.process))
    return info.progress if info else None


def _following(visit: Visit, why: Why) -> str:
    """What an open page asks for next; empty for a job that is gone: each look for it is a search of everything."""
    if why.place in (NOWHERE, UNKNOWN):
        return ""
    where = why.position or (why.process if why.place == IN_FLIGHT else why.at_s)
    told = seen(why.place, at=where, of=why.queue if why.place == QUEUE else "")
    return visit.here(**{"in": "", "at": "", "of": "", "far": "", **told})


def act(visit: Visit) -> Response:
    """Run it now, give it another time, kill, delete or cancel it: where it is now."""
    jid, wanted = visit.path["jid"], visit.sent("act")
    deeds: dict[str, Callable[[Visit, str], tuple[bool, str]]] = {
        "cancel": _cancel, "delete": _delete, "kill": _kill, "reschedule": _reschedule, "run_now": _run_now,
    }  # fmt: skip
    if wanted not in deeds:
        raise InvalidOption(f"act is {shown(wanted)}: expected one of {', '.join(deeds)}")
    done, said = deeds[wanted](visit, jid)
    address = visit.wanted_back(visit.url("/jobs", jid))
    return visit.back(address, said if done else MOVED, 1 if done and "%(count)s" in said else None)


def _run_now(visit: Visit, jid: str) -> tuple[bool, str]:
    return any(place.run_now(jid) for place in _sets(visit.app)), RUN.said


def _kill(visit: Visit, jid: str) -> tuple[bool, str]:
    return any(place.kill(jid) for place in (visit.app.retries, visit.app.scheduled)), KILL.said


def _reschedule(visit: Visit, jid: str) -> tuple[bool, str]:
    at_s = local_time(visit.sent("at"), visit.sent("offset"))
    return any(place.reschedule(jid, at_s) for place in (visit.app.scheduled, visit.app.retries)), RESCHEDULED


def _sets(app: Any) -> tuple[Any, ...]:
    return (app.retries, app.scheduled, app.dead)


def _cancel(visit: Visit, jid: str) -> tuple[bool, str]:
    done = visit.app.cancel(jid)
    return bool(done), CANCELLED if done.requested else DELETE.said


def _delete(visit: Visit, jid: str) -> tuple[bool, str]:
    """Out of whichever set it is in, or its queue; what is in flight is not deleted but cancelled."""
    app = visit.app
    if any(place.delete(jid) for place in _sets(app)):
        return True, DELETE.said
    info = app.job_info(jid)
    found = info is not None and info.place == QUEUE
    return found and bool(app.queues[info.queue].delete(jid)), DELETE.said


PAGES = {
    "": Page("/jobs/{jid:path}", job),
    ".act": Page("/jobs/{jid:path}", act, "POST", CHANGE, says=SAYS),
}
