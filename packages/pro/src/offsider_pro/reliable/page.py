"""What the web pages show of reliable fetch: which processes have died, and that a job is a suspect. Only shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import Response

from offsider.contract.web import Assets, Page, Tab

from .deaths import Deaths
from .suspects import MOST_DEATHS, suspicion

if TYPE_CHECKING:
    from offsider.api.entry import JobEntry
    from offsider.web.visit import Visit
    from offsider.web.web import Web

FOLDER = Path(__file__).parent / "pages"
MOST_ROWS = 200


def deaths(visit: Visit) -> Response:
    """The processes that have died lately, the latest first."""
    found = Deaths(visit.app).latest(MOST_ROWS)
    if "json" in visit.asker.headers.get("accept", ""):
        return visit.json([death.to_dict() for death in found])
    return visit.page("reliable/deaths.html", deaths=found)


def rows(job: JobEntry) -> Iterator[tuple[str, str]]:
    """What is to be known of a suspect."""
    mark = suspicion(job.record or {})
    if mark is None:
        return
    yield "Suspect", f"in flight when {mark.process} died; {mark.cause}" if mark.process else mark.cause
    yield "Died alone", f"{mark.deaths} / {MOST_DEATHS}"


def show(web: Web, by: str) -> None:
    """Add the page, its tab, and the rows of a job."""
    web.assets.add("reliable", Assets(FOLDER), by=by)
    web.pages.add("pro.deaths", Page("/deaths", deaths), by=by)
    web.tabs.add("pro.deaths", Tab("Deaths", "/deaths"), by=by)
    web.job_rows.add("pro.suspect", rows, by=by)
