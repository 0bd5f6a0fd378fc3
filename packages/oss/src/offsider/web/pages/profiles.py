"""Profiles of single runs: where their time went, as a tree, and as a file for a viewer."""

from __future__ import annotations

from starlette.responses import Response

from ...contract.web import CHANGE, Page
from ...errors import Malformed
from ...metrics.profiles import Profile
from ..visit import Visit

DELETED = "Deleted: %(count)s"


def profiles(visit: Visit) -> Response:
    """All of the last day, the newest first."""
    return visit.page("offsider/profiles.html", profiles=visit.app.profiles.all())


def profile(visit: Visit) -> Response:
    """One, as a tree of calls."""
    one = _found(visit)
    try:
        tree = one.text()
    except (ImportError, Malformed) as error:
        tree = f"{error}"
    return visit.page("offsider/profile.html", profile=one, tree=tree)


def speedscope(visit: Visit) -> Response:
    """One, as a file for the viewer speedscope; as it was recorded where it cannot be made here."""
    one = _found(visit)
    try:
        text: str | bytes = one.speedscope()
    except (ImportError, Malformed):
        text = one.json()
    headers = {"content-disposition": 'attachment; filename="profile.json"'}
    return Response(text, headers=headers, media_type="application/json")


def delete(visit: Visit) -> Response:
    """Forget one."""
    return visit.back(visit.url("/profiles"), DELETED, int(visit.app.profiles.delete(visit.path["name"])))


def _found(visit: Visit) -> Profile:
    one: Profile | None = visit.app.profiles.get(visit.path["name"])
    if one is None:
        raise LookupError(visit.path["name"][:200])
    return one


PAGES = {
    "": Page("/profiles", profiles),
    ".file": Page("/profiles/{name:path}/profile.json", speedscope),
    ".one": Page("/profiles/{name:path}", profile),
    ".delete": Page("/profiles/{name:path}", delete, "POST", CHANGE, says=(DELETED,)),
}
