"""The first page: is everything well, how much is done, what waits."""

from __future__ import annotations

from starlette.responses import Response

from ...contract.web import Page
from ..visit import Visit

DAYS = (7, 30, 90, 180)
MOST_QUEUES = 8


def dashboard(visit: Visit) -> Response:
    """Figures, two charts, the longest queues, and what the doctor says."""
    days = visit.number("days", 30, 1, DAYS[-1])
    history = visit.app.stats.history(days)[::-1]
    data = {
        "kind": "days",
        "times": [day.day.isoformat() for day in history],
        "series": [
            {"label": visit.language.text("Processed"), "values": [day.processed - day.failed for day in history]},
            {"label": visit.language.text("Failed"), "values": [day.failed for day in history], "bad": True},
        ],
    }
    return visit.page(
        "offsider/dashboard.html",
        days=days, choices=DAYS, history=history, data=data, queues=visit.figures.queues[:MOST_QUEUES],
        diagnosis=visit.site.web.checkup.last(), jobs=sorted(visit.app.jobs),
    )  # fmt: skip


PAGES = {"": Page("/", dashboard)}
