"""The doctor's page: what was found at the server and the workers, and every setting with its source."""

from __future__ import annotations

from starlette.responses import Response

from ...contract.web import Page
from ..visit import Visit


def doctor(visit: Visit) -> Response:
    """Looks now, and shows all of it."""
    return visit.page("offsider/doctor.html", diagnosis=visit.site.web.checkup_of(visit.app).now())


PAGES = {"": Page("/doctor", doctor)}
