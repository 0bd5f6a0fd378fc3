"""What goes wrong: failures of the retries and the dead, those that are the same together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starlette.responses import Response

from ...contract.web import Page
from ..fingerprint import grouped
from ..visit import Visit

MOST_OF_EACH = 3000
A_TIME = 500
MOST_GROUPS = 100


def errors(visit: Visit) -> Response:
    """Groups of failures, the largest first; of each set the first 3,000 jobs are looked at."""
    groups = grouped(_some(visit.app.retries), _some(visit.app.dead))
    now = visit.figures
    return visit.page(
        "offsider/errors.html",
        groups=groups[:MOST_GROUPS], hidden=max(0, len(groups) - MOST_GROUPS), most=MOST_OF_EACH,
        partial=max(now.retries, now.dead) > MOST_OF_EACH,
    )  # fmt: skip


def _some(jobs: Any) -> Iterator[Any]:
    for skip in range(0, MOST_OF_EACH, A_TIME):
        page = jobs.jobs(count=A_TIME, skip=skip)
        yield from page
        if len(page) < A_TIME:
            return


PAGES = {"": Page("/errors", errors)}
