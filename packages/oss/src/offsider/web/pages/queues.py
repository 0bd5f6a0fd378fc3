"""All queues: how long, how late, and whether anybody takes from them."""

from __future__ import annotations

from starlette.responses import Response

from ...contract.web import Page
from ..visit import Visit


def queues(visit: Visit) -> Response:
    """The longest first, with how they did in the last hour."""
    processes = visit.app.processes.all()
    taken = {name for one in processes if not one.quiet for name in one.queues}
    lately = {one.name: one for one in visit.app.metrics.queues(minutes=60)}
    return visit.page("offsider/queues.html", queues=visit.figures.queues, taken=taken, lately=lately)


PAGES = {"": Page("/queues", queues)}
