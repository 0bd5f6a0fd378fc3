"""The first page: is everything well, how much is done, what waits."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ...contract.web import Page
from ..visit import Visit

DAYS = (7, 30, 90, 180)
MINUTES = 10
MOST_QUEUES = 8


def dashboard(visit: Visit) -> Response:
    """Figures, two charts, the longest queues, and what the doctor says."""
    days = visit.number("days", 30, 1, DAYS[-1])
    history = visit.app.stats.history(days)[::-1]
    data = {
        "kind": "days",
        "times": [day.day.isoformat() for day in history],
        "series": [
            {"label": visit.language.text("Processed"), "values": [day.processed for day in history]},
            {"label": visit.language.text("Failed"), "values": [day.failed for day in history], "bad": True},
        ],
    }
    return visit.page(
        "offsider/dashboard.html",
        days=days, choices=DAYS, history=history, data=data, live=lately(visit),
        queues=visit.figures.queues[:MOST_QUEUES],
        diagnosis=visit.site.web.checkup.last(),
    )  # fmt: skip


def lately(visit: Visit) -> dict[str, Any]:
    """Jobs per second in the last minutes: what the live chart begins with. The running minute is the script's."""
    queues = visit.app.metrics.queues(minutes=MINUTES + 1)
    points = [[series.points[k] for series in queues] for k in range(MINUTES)] if queues else []
    processed = [sum(one.processed for one in some) / 60 for some in points]
    failed = [sum(one.failed for one in some) / 60 for some in points]
    text = visit.language.text
    return {
        "kind": "live",
        "address": visit.url("/stats"),
        "times": [some[0].at.timestamp() + 30 for some in points],
        "series": [
            {"label": text("Processed"), "values": processed},
            {"label": text("Failed"), "values": failed, "bad": True},
        ],
    }


PAGES = {"": Page("/", dashboard)}
