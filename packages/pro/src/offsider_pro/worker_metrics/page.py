"""The page of what jobs cost their workers. Only shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import Response

from offsider.contract.web import Assets, Page, Tab

from .report import HOURS, WorkerMetrics

if TYPE_CHECKING:
    from offsider.web.visit import Visit
    from offsider.web.web import Web

PERIODS = {"1h": 1, "4h": 4, "24h": 24, "72h": HOURS}
MOST_ROWS = 200
FOLDER = Path(__file__).parent / "pages"


def costs(visit: Visit) -> Response:
    """All classes, those that use the most processor time a run first."""
    period = visit.choice("period", tuple(PERIODS))
    match = visit.query("match").strip()[:200]
    found = [cost for cost in WorkerMetrics(visit.app).jobs(hours=PERIODS[period]) if match in cost.name]
    if "json" in visit.asker.headers.get("accept", ""):
        return visit.json([cost.to_dict() for cost in found])
    hidden = max(0, len(found) - MOST_ROWS)
    return visit.page(
        "worker-metrics/costs.html", costs=found[:MOST_ROWS], hidden=hidden, period=period, choices=list(PERIODS),
        match=match,
    )  # fmt: skip


def show(web: Web, by: str) -> None:
    """Add the page and its tab."""
    web.assets.add("worker-metrics", Assets(FOLDER), by=by)
    web.pages.add("pro.costs", Page("/costs", costs), by=by)
    web.tabs.add("pro.costs", Tab("Costs", "/costs"), by=by)
