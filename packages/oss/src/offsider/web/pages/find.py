"""The search field of every page: an id leads to its job, any other text to the lists."""

from __future__ import annotations

import re

from starlette.responses import RedirectResponse, Response

from ...contract.web import Page
from ..listing import searched
from ..part import AT_ONCE_S, Filters
from ..visit import Visit

JID = re.compile(r"[0-9a-f]{24}\Z")
MOST_OF_EACH = 20


def find(visit: Visit) -> Response:
    """What is found in the three sets; queues have a search of their own."""
    text = visit.query("q").strip()
    if JID.match(text):
        return RedirectResponse(visit.url("/jobs", text), 303)
    filters = Filters(text=text or None)
    places = {"retries": visit.app.retries, "scheduled": visit.app.scheduled, "dead": visit.app.dead}
    each_s = AT_ONCE_S / len(places)
    found = {name: searched(jobs, filters, MOST_OF_EACH, None, each_s) for name, jobs in places.items() if text}
    return visit.page("offsider/find.html", text=text, found=found, most=MOST_OF_EACH)


PAGES = {"": Page("/find", find)}
