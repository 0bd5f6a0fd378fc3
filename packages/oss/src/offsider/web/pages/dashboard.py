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
        diagnosis=visit.site.web.checkup_of(visit.app).last(),
    )  # fmt: skip


def lately(visit: Visit) -> dict[str, Any]:
    """Jobs per second in the last minutes: what the live chart begins with. The running minute is the script's."""
    points = visit.app.metrics.counts(minutes=MINUTES + 1).points[:-1]
    text = visit.language.text
    return {
        "kind": "live",
        "address": visit.url("/stats"),
        "times": [one.at.timestamp() + 30 for one in points],
        "series": [
            {"label": text("Processed"), "values": [one.processed / 60 for one in points]},
            {"label": text("Failed"), "values": [one.failed / 60 for one in points], "bad": True},
        ],
    }


PAGES = {"": Page("/", dashboard)}
