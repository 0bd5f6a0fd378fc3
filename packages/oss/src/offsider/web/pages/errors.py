"""What goes wrong: failures of the retries and the dead, those that are the same together."""

from __future__ import annotations

from starlette.responses import Response

from ...contract.web import Page
from ..failures import failures
from ..visit import Visit

MOST_GROUPS = 100


def errors(visit: Visit) -> Response:
    """Groups of failures, the largest first."""
    look = visit.site.web.failures.of(visit.app, "", lambda: failures(visit.app))
    return visit.page(
        "offsider/errors.html",
        groups=look.groups[:MOST_GROUPS], hidden=max(0, len(look.groups) - MOST_GROUPS), look=look,
    )  # fmt: skip


PAGES = {"": Page("/errors", errors)}
