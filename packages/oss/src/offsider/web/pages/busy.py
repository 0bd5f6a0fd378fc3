"""What works now: the processes, and the jobs that run in them."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from ...contract.web import CHANGE, Page
from ...errors import InvalidOption, shown
from ..part import part_of
from ..visit import Visit

PROCESSES, JOBS = 25, 50
ACTS = {
    "quiet": "Processes that will fetch no more: %(count)s",
    "stop": "Processes that will stop: %(count)s",
    "dump": "Processes that will log their stacks: %(count)s",
}


def busy(visit: Visit) -> Response:
    """A page of the processes, and one of the running jobs, those that run longest first."""
    all_of_them = visit.app.processes.all()
    processes = part_of(visit, len(all_of_them), lambda skip: all_of_them[skip : skip + PROCESSES], PROCESSES)
    running = part_of(
        visit, visit.figures.busy, lambda skip: visit.app.running.jobs(count=JOBS, skip=skip), JOBS, "jobs"
    )
    return visit.page(
        "offsider/busy.html",
        processes=processes, running=running, rss_kb=sum(one.rss_kb for one in all_of_them), capsules=capsules,
        slots=sum(one.concurrency for one in all_of_them), used=sum(one.busy for one in all_of_them),
    )  # fmt: skip


def signal(visit: Visit) -> Response:
    """Quiet, stop or dump one process, or all."""
    act, identity = visit.sent("act"), visit.sent("identity") or None
    if act not in ACTS:
        raise InvalidOption(f"act is {shown(act)}: expected one of {', '.join(ACTS)}")
    count = getattr(visit.app.processes, act)(identity)
    return visit.back(visit.url("/busy"), ACTS[act], count)


def capsules(queues: Mapping[str, int]) -> list[str]:
    """Queues with their weights, as they are given on the command line."""
    return [f"{name}:{weight}" if weight else name for name, weight in queues.items()]


PAGES = {
    "": Page("/busy", busy),
    ".signal": Page("/busy", signal, "POST", CHANGE, says=tuple(ACTS.values())),
}
