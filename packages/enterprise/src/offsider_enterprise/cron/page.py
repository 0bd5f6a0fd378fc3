"""The pages of the crontab: all entries, and one with its runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from offsider.contract.web import CHANGE, Assets, Page, Tab
from offsider.errors import InvalidOption, shown
from offsider.web.catalogue import read

from .crontab import Crontab
from .instant import rows
from .state import CronEntry

if TYPE_CHECKING:
    from offsider.web.visit import Visit
    from offsider.web.web import Web

PATH = "/cron"
LOCALES = Path(__file__).parent / "pages" / "locales"
SHOWN = 50
SAYS = {
    "pause": "The entry is paused",
    "resume": "The entry goes on",
    "run": "A run is enqueued",
    "delete": "The entry is deleted",
}
NOTHING = "Nothing was enqueued: the job was stopped, or is there already"


def install(web: Web, by: str) -> None:
    """Register all of it."""
    web.assets.add("cron", Assets(LOCALES.parent), by=by)
    web.pages.add("cron", Page(PATH, entries), by=by)
    web.pages.add("cron.entry", Page(f"{PATH}/{{name}}", entry), by=by)
    web.pages.add("cron.act", Page(f"{PATH}/{{name}}", act, "POST", CHANGE, says=(*SAYS.values(), NOTHING)), by=by)
    for path in sorted(LOCALES.glob("*.po")):
        web.locales.add(f"cron.{path.stem}", read(path), by=by)
    web.tabs.add("cron", Tab("Crontab", PATH, "scheduled"), by=by)
    web.job_rows.add("enterprise.cron", rows, by=by)


def entries(visit: Visit) -> Any:
    """A part of the entries, by name."""
    crontab = Crontab(visit.app)
    number = visit.number("page", 1, 1, 100_000)
    total = len(crontab)
    found = crontab.entries((number - 1) * SHOWN, SHOWN)
    last = max(1, -(-total // SHOWN))
    return visit.page("cron/entries.html", entries=found, total=total, number=number, last=last, level=level)


def entry(visit: Visit) -> Any:
    """One entry: what it says, its next and its last runs."""
    crontab, name = Crontab(visit.app), visit.path["name"]
    one = _found(crontab, name)
    return visit.page(
        "cron/entry.html",
        one=one,
        history=crontab.history(name),
        level=level(one),
        walls=walls(one),
    )


def act(visit: Visit) -> Any:
    """Pause, resume, run or delete one entry."""
    crontab, name, what = Crontab(visit.app), visit.path["name"], visit.sent("act")
    if what not in SAYS:
        raise InvalidOption(f"act is {shown(what)}: expected one of {', '.join(SAYS)}")
    _found(crontab, name)
    here = visit.url(PATH, name)
    said = SAYS[what]
    if what == "pause":
        crontab.pause(name, reason=visit.sent("reason")[:1000], by=visit.user or None)
    elif what == "resume":
        crontab.resume(name)
    elif what == "run":
        said = said if crontab.run(name, by=visit.user or None) else NOTHING
    else:
        crontab.delete(name)
        here = visit.url(PATH)
    return visit.back(visit.wanted_back(here) if what != "delete" else here, said)


def level(one: CronEntry) -> str:
    """How bad it is, as the pages show it."""
    if one.overdue_s or not one.readable:
        return "problem"
    return "warning" if one.paused or one.forgotten else "ok"


def walls(one: CronEntry) -> list[tuple[float, str]]:
    """The next instants, and what the wall of the entry's zone shows then."""
    clock = one.entry.schedule.clock
    instants = [at.timestamp() for at in one.coming()]
    return [(at_s, f"{clock.reading(int(at_s)):%Y-%m-%d %H:%M}") for at_s in instants]


def _found(crontab: Crontab, name: str) -> CronEntry:
    found = crontab.get(name)
    if found is None:
        raise LookupError(f"there is no cron entry {shown(name)}")
    return found
