"""What works now: the processes, and the jobs that run in them."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from ...contract.web import CHANGE, Page
from ...errors import InvalidOption, shown
from ..visit import Visit

MOST_JOBS = 500
ACTS = {
    "quiet": "Processes that will fetch no more: %(count)s",
    "stop": "Processes that will stop: %(count)s",
    "dump": "Processes that will log their stacks: %(count)s",
}


def busy(visit: Visit) -> Response:
    """Processes and running jobs."""
    processes = visit.app.processes.all()
    running = visit.app.running.all()
    return visit.page(
        "offsider/busy.html",
        processes=processes, running=running[:MOST_JOBS], hidden=max(0, len(running) - MOST_JOBS),
        slots=sum(one.concurrency for one in processes), used=sum(one.busy for one in processes),
        rss_kb=sum(one.rss_kb for one in processes), capsules=capsules,
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
