"""One queue: what waits in it, found and deleted."""

from __future__ import annotations

from starlette.responses import Response

from ...contract.web import CHANGE, Page
from ...errors import InvalidOption, shown
from ..part import AT_ONCE_S, SIZES, Filters, Part, part_of, sizes
from ..visit import Visit

DELETED = "Deleted: %(count)s"
CLEARED = "Deleted from the queue: %(count)s"


def queue(visit: Visit) -> Response:
    """A page of its jobs, those that are taken next first."""
    one = visit.app.queues[visit.path["name"]]
    filters = Filters.of(visit)
    size = sizes(visit)
    newest = visit.choice("sort", ("next", "newest")) == "newest"
    if filters.given:
        found = one.search(
            filters.text, name=filters.name, tag=filters.tag,
            limit=size, cursor=visit.query("cursor") or None, within_s=AT_ONCE_S,
        )  # fmt: skip
        part = Part.found(found)
    else:
        part = part_of(visit, len(one), lambda skip: one.jobs(count=size, skip=skip, newest=newest), size)
    return visit.page("offsider/queue.html", queue=one.info(), part=part, filters=filters, newest=newest)


def confirm(visit: Visit) -> Response:
    """Asked before a queue is cleared."""
    one = visit.app.queues[visit.path["name"]].info()
    return visit.page(
        "offsider/confirm.html",
        title="Delete all jobs of this queue?", subject=one.name, count=one.size, more=False, chips=[],
        action=visit.url("/queues", one.name), fields={"act": "clear"}, button="Delete them",
        cancel=visit.url("/queues", one.name), far="",
    )  # fmt: skip


def act(visit: Visit) -> Response:
    """Delete the chosen ones, or all."""
    one = visit.app.queues[visit.path["name"]]
    address, wanted = visit.url("/queues", one.name), visit.sent("act")
    if wanted == "clear":
        return visit.back(address, CLEARED, one.clear())
    if wanted == "delete":
        chosen = dict.fromkeys(visit.form.get("jid", []))
        if len(chosen) > SIZES[-1]:  # each is a search of the whole queue
            raise InvalidOption(f"jid has {len(chosen):,} ids: at most {SIZES[-1]} at once, as many as a page shows")
        return visit.back(visit.wanted_back(address), DELETED, sum(one.delete(jid) for jid in chosen))
    raise InvalidOption(f"act is {shown(wanted)}: expected delete or clear")


PAGES = {
    ".clear": Page("/queues/{name}/clear", confirm, permission=CHANGE),
    "": Page("/queues/{name}", queue),
    ".act": Page("/queues/{name}", act, "POST", CHANGE, says=(DELETED, CLEARED)),
}
