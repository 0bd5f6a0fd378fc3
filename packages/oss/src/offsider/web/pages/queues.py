"""All queues: how long, how late, and whether anybody takes from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from ...contract.web import Page
from ..part import part_of, sizes
from ..visit import Visit

ORDERS: dict[str, Callable[[Any], Any]] = {
    "size": lambda one: (-one.size, one.name),
    "latency": lambda one: (-one.latency_s, one.name),
    "name": lambda one: one.name,
}


def queues(visit: Visit) -> Response:
    """A page of them, the longest first, with how they did in the last hour."""
    sort, match = visit.choice("sort", tuple(ORDERS)), visit.query("match").strip()[:200]
    fitting = [one for one in visit.figures.queues if match.casefold() in one.name.casefold()]
    fitting.sort(key=ORDERS[sort])
    size = sizes(visit)
    part = part_of(visit, len(fitting), lambda skip: fitting[skip : skip + size], size)
    taken = {name for one in visit.app.processes.all() if not one.quiet for name in one.queues}
    lately = visit.app.metrics.hour([one.name for one in part.jobs])
    return visit.page("offsider/queues.html", part=part, sort=sort, match=match, taken=taken, lately=lately)


PAGES = {"": Page("/queues", queues)}
