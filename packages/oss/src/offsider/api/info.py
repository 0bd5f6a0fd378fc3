"""Where one job is, as values for a program; `offsider.api.why` explains the same to a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import InvalidOption, shown
from .entry import JobEntry, read
from .search import IN_FLIGHT, Found, Near, Search, checked_jid
from .workforce import WorkEntry, identity_of, work_of

if TYPE_CHECKING:
    from ..store.wire import Wire
    from .manage import Management


@dataclass(frozen=True, slots=True)
class JobInfo:
    """Where a job is.

    Attributes:
        jid: Its id.
        place: ``queue``, ``in flight``, ``schedule``, ``retry``, ``dead`` or ``quarantine``.
        queue: The queue it is in, was taken from, or belongs to.
        position, length: In a queue: 1 is taken next; how many there are.
        at_s: In a set: when it is due, has died, or came to the quarantine. In flight: since when it runs. Epoch
            seconds; None when that is not known.
        process: In flight: who has it.
        progress: ``(done, total, note)`` as the body reported it last, as of the last heartbeat.
        job: All that its payload says; None in quarantine.

    Example:
        >>> info = app.job_info(jid)                    # doctest: +SKIP
        >>> info.place, info.position                   # doctest: +SKIP
        ('queue', 3)
    """

    jid: str
    place: str
    queue: str
    position: int | None
    length: int | None
    at_s: float | None
    process: str
    progress: tuple[float, float, str] | None
    job: JobEntry | None

    @property
    def running(self) -> bool:
        """True when its process has told that it runs it; one that was taken just now has not yet."""
        return self.place == IN_FLIGHT and self.at_s is not None

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "jid": self.jid, "place": self.place, "queue": self.queue, "position": self.position,
            "length": self.length, "at_s": self.at_s, "process": self.process,
            "progress": None if self.progress is None else list(self.progress),
            "job": None if self.job is None else self.job.to_dict(),
        }  # fmt: skip


def job_info(app: Management, jid: str, *, limit: int, near: Near | None = None) -> JobInfo | None:
    """Find a job; None when it is not in what was looked at.

    Args:
        app: Whose Redis.
        jid: What ``enqueue`` returned.
        limit: How many entries to look at, at most.
        near: Where it was seen last.

    Raises:
        InvalidOption: ``jid`` is no id, or ``limit`` no such number.
        StoreError: Redis is away or refuses.
    """
    with app.desk.wire() as wire:
        search = searcher(app, wire, jid, limit, near)
        found = search.find()
        if found is None:
            return None
        work = _work(app, wire, search, found)
    return _told(jid, found, work)


def searcher(
    app: Management, wire: Wire, jid: str, limit: int, near: Near | None = None, within_s: float | None = None
) -> Search:
    """A search for one id.

    Raises:
        InvalidOption: ``jid`` is no id, or ``limit`` no such number.
    """
    if type(limit) is not int or limit < 1:
        raise InvalidOption(f"limit is {shown(limit)}: expected a whole number, 1 or more")
    return Search(wire, app.keys, checked_jid(jid), limit=limit, near=near, within_s=within_s)


def _work(app: Management, wire: Wire, search: Search, found: Found) -> WorkEntry | None:
    if found.place != IN_FLIGHT:
        return None
    entries = work_of(wire, app.keys, identity_of(found.owner))
    return next((one for one in entries if search.is_it(one.payload)), None)


def _told(jid: str, found: Found, work: WorkEntry | None) -> JobInfo:
    job = read(found.raw, at_s=found.at_s, position=found.position)
    in_flight = found.place == IN_FLIGHT
    return JobInfo(
        jid,
        found.place,
        found.queue or (job.queue if job else ""),
        found.position,
        found.length,
        (work.since_s if work else None) if in_flight else found.at_s,
        identity_of(found.owner) if in_flight else "",
        work.progress if work else None,
        job,
    )
