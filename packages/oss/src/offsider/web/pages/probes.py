"""For programs: is it alive, the figures as JSON."""

from __future__ import annotations

from starlette.responses import PlainTextResponse, Response

from ... import clock
from ...contract.web import OPEN, Page
from ...errors import StoreError
from ..visit import Visit


def health(visit: Visit) -> Response:
    """200 while Redis answers, else 503; nothing more, for whoever asks."""
    try:
        len(visit.app.queues)
    except StoreError:
        return PlainTextResponse("Redis does not answer\n", 503)
    return PlainTextResponse("ok\n")


def stats(visit: Visit) -> Response:
    """All figures."""
    return visit.json({**visit.figures.to_dict(), "at_s": clock.now_s()})


def sizes(visit: Visit) -> Response:
    """The size of each queue."""
    return visit.json({queue.name: queue.size for queue in visit.figures.queues})


PAGES = {
    ".health": Page("/healthz", health, permission=OPEN),
    ".stats": Page("/stats", stats),
    ".sizes": Page("/stats/queues", sizes),
}
