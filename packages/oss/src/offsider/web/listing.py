"""What the pages of the three sets have in common: list, search, act on those chosen, act on all that fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from .. import clock
from ..api.where import Where
from ..contract.web import CHANGE, Page
from ..errors import InvalidOption, shown
from .part import AT_ONCE_S, Filters, Part, part_of, sizes

if TYPE_CHECKING:
    from .visit import Visit

FAR_S = 10.0  # what somebody waits for who asked for all of it


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that can be done to a job of a set.

    Attributes:
        name: The method for one job; ``NAME_all`` for many.
        label: On the button.
        said: Afterwards.
        asks: Before it is done to all.
        bad: True when it cannot be undone.
    """

    name: str
    label: str
    said: str
    asks: str
    bad: bool = False

    @property
    def all_name(self) -> str:
        """The method for many."""
        return "run_all_now" if self.name == "run_now" else f"{self.name}_all"


RUN = Deed("run_now", "Run now", "Put into their queues: %(count)s", "Run all of these now?")
RETRY = Deed("retry", "Retry", "Put into their queues: %(count)s", "Retry all of these now?")
KILL = Deed("kill", "Kill", "Put among the dead: %(count)s", "Put all of these among the dead?", bad=True)
DELETE = Deed("delete", "Delete", "Deleted: %(count)s", "Delete all of these?", bad=True)


@dataclass(frozen=True, slots=True)
class Listing:
    """The pages of one set.

    Attributes:
        path: E.g. ``/retries``.
        template: What shows it.
        jobs: The set of an app.
        deeds: What can be done.
        newest: True when the latest time comes first by itself.
        fails: True when its jobs have failed: how often has a column.
    """

    path: str
    template: str
    jobs: Callable[[Any], Any]
    deeds: tuple[Deed, ...]
    newest: bool = False
    fails: bool = False

    def pages(self) -> dict[str, Page]:
        """Its addresses."""
        says = tuple(deed.said for deed in self.deeds)
        return {
            "": Page(self.path, self.show),
            ".act": Page(self.path, self.act, "POST", CHANGE, says),
            ".all": Page(f"{self.path}/all", self.confirm, permission=CHANGE),
            ".act_all": Page(f"{self.path}/all", self.act_all, "POST", CHANGE, says),
        }

    def show(self, visit: Visit) -> Response:
        """A page of its jobs, or what a search has found."""
        jobs, filters, size = self.jobs(visit.app), Filters.of(visit), sizes(visit)
        newest = visit.choice("sort", ("usual", "other")) == "usual"
        if filters.given:
            part = searched(jobs, filters, size, visit.query("cursor") or None)
        else:
            order = newest == self.newest
            part = part_of(visit, len(jobs), lambda skip: jobs.jobs(count=size, skip=skip, newest=order), size)
        return visit.page(self.template, listing=self, part=part, filters=filters, usual=newest)

    def act(self, visit: Visit) -> Response:
        """Do it to those that were chosen."""
        deed, jobs = self._deed(visit.sent("act")), self.jobs(visit.app)
        chosen = list(dict.fromkeys(visit.form.get("jid", [])))
        count = many(jobs, deed, chosen)
        address = visit.wanted_back(visit.url(self.path, **Filters.sent(visit).given))
        return visit.back(address, deed.said, count)

    def confirm(self, visit: Visit) -> Response:
        """How many it would be, and whether that is wanted."""
        deed, filters = self._deed(visit.query("act")), Filters.of(visit)
        far = visit.choice("far", ("", "1"))
        count, complete = counted(self.jobs(visit.app), filters, FAR_S if far else AT_ONCE_S)
        return visit.page(
            "offsider/confirm.html",
            title=deed.asks, subject="", count=count, more=not complete, chips=list(filters.given.items()),
            action=visit.url(f"{self.path}/all"), fields={"act": deed.name, **filters.given}, button=deed.label,
            cancel=visit.url(self.path, **filters.given), far="" if complete or far else visit.here(far="1"),
        )  # fmt: skip

    def act_all(self, visit: Visit) -> Response:
        """Do it to all that fit."""
        deed, filters = self._deed(visit.sent("act")), Filters.sent(visit)
        count = getattr(self.jobs(visit.app), deed.all_name)(filters.where)
        return visit.back(visit.url(self.path), deed.said, count)

    def _deed(self, name: str) -> Deed:
        for deed in self.deeds:
            if deed.name == name:
                return deed
        raise InvalidOption(f"act is {shown(name)}: expected one of {', '.join(deed.name for deed in self.deeds)}")


def many(jobs: Any, deed: Deed, chosen: list[str]) -> int:
    """Do it to several by their ids: the set is looked through once, not once for each."""
    return int(getattr(jobs, deed.all_name)(Where(jids=chosen))) if chosen else 0


def searched(jobs: Any, filters: Filters, size: int, cursor: str | None, within_s: float = AT_ONCE_S) -> Part:
    """A part of a search: so many jobs, or what was found within a moment."""
    until_s = clock.monotonic_s() + within_s
    found: list[Any] = []
    looked_at = 0
    while True:
        page = jobs.search(**filters.given, limit=size, cursor=cursor, within_s=until_s - clock.monotonic_s())
        found += page.jobs
        looked_at += page.looked_at
        cursor = page.cursor
        if cursor is None or len(found) >= size or clock.monotonic_s() > until_s:
            return Part(found, cursor=cursor, looked_at=looked_at)


def counted(jobs: Any, filters: Filters, within_s: float) -> tuple[int, bool]:
    """How many fit, and whether there was time to look at all."""
    if not filters.given:
        return len(jobs), True
    until_s = clock.monotonic_s() + within_s
    count, cursor = 0, None
    while True:
        page = jobs.search(**filters.given, limit=1000, cursor=cursor, within_s=until_s - clock.monotonic_s())
        count += len(page.jobs)
        cursor = page.cursor
        if cursor is None or clock.monotonic_s() > until_s:
            return count, cursor is None
