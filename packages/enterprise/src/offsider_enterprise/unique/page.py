"""The page of locks, and what the page of a job says of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from offsider.contract.web import CHANGE, Assets, Page, Tab

from .effect import FIELD
from .locks import UniqueLocks
from .reason import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offsider.api.entry import JobEntry
    from offsider.web.visit import Visit
    from offsider.web.web import Web

UNLOCKED = "Locks ended: %(count)s"
PATH = "/unique"
SHOWN = 50


def install(web: Web, by: str) -> None:
    """Register all of it."""
    web.assets.add("unique", Assets(Path(__file__).parent / "pages"), by=by)
    web.pages.add("unique", Page(PATH, locks), by=by)
    web.pages.add("unique.unlock", Page(PATH, unlock, "POST", CHANGE, says=(UNLOCKED,)), by=by)
    web.tabs.add("unique", Tab("Unique", PATH), by=by)
    web.job_rows.add("unique", rows, by=by)


def locks(visit: Visit) -> Any:
    """A part of the locks, in no order, or the one that is looked for."""
    held, wanted = UniqueLocks(visit.app), visit.query("find").strip()[:200]
    if wanted:
        one = held.get(wanted) or held.of(wanted)
        found, following = ([] if one is None else [one]), None
    else:
        found, following = held.page(visit.query("cursor") or "0", SHOWN)
    shown = [(one, until(one)) for one in found]
    return visit.page("unique/locks.html", locks=shown, total=len(held), cursor=following, wanted=wanted)


def unlock(visit: Visit) -> Any:
    """End one lock, if the job that was shown still holds it."""
    jid = UniqueLocks(visit.app).unlock(visit.sent("digest"), jid=visit.sent("jid"))
    return visit.back(visit.wanted_back(visit.url(PATH)), UNLOCKED, int(jid is not None))


def rows(job: JobEntry) -> Iterator[tuple[str, str]]:
    """The lock's name; who holds it is on the page of locks."""
    digest = job.record.get(FIELD)
    if isinstance(digest, str):
        yield "Unique lock", digest
