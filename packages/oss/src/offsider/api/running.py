"""What runs now, in every process, as the last heartbeats told it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..errors import Malformed
from ..job import record as records
from ..job.sealing import masked, shown_args, shown_kwargs
from .page import PAGE, check_page
from .search import checked_jid
from .workforce import WorkEntry, listed, work_entry, work_since_s, works

if TYPE_CHECKING:
    from .manage import Management


@dataclass(frozen=True, slots=True)
class RunningJob:
    """One job that runs.

    Attributes:
        process: The identity of the process.
        slot: Where in it: a capsule and a number, or a thread of Ruby's.
        jid, name, queue: Of the job.
        since_s: When it started, epoch seconds.
        progress: ``(done, total, note)`` as the body reported it last; None when it has not.
        record: All of its payload, as it lies there.
    """

    process: str
    slot: str
    jid: str
    name: str
    queue: str
    since_s: float
    progress: tuple[float, float, str] | None
    record: records.Record

    @property
    def args(self) -> list[Any]:
        """The positional arguments, as JSON values; a mask for what is encrypted."""
        return shown_args(self.record)

    @property
    def kwargs(self) -> dict[str, Any]:
        """The keyword arguments, as JSON values; a mask for what is encrypted."""
        return shown_kwargs(self.record)

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON; a mask for what is encrypted."""
        return {**asdict(self), "record": masked(self.record)}


class Running:
    """What ``app.running`` is. A job that has just begun, or ended, is seen with the next heartbeat.

    Example:
        >>> for job in app.running:                         # doctest: +SKIP
        ...     print(job.name, job.process, job.progress)
    """

    def __init__(self, app: Management) -> None:
        self._app = app

    def all(self) -> list[RunningJob]:
        """All of them, those that run longest first.

        Raises:
            StoreError: Redis is away or refuses.
        """
        return _jobs(self._entries())

    def jobs(self, *, count: int = PAGE, skip: int = 0) -> list[RunningJob]:
        """A page of them, those that run longest first. Others are not looked into.

        Args:
            count: How many at most, 1 to 1000.
            skip: How many to leave out before.

        Raises:
            InvalidOption: ``count`` or ``skip`` is no such number.
            StoreError: Redis is away or refuses.
        """
        check_page(count, skip)
        return _jobs(self._entries()[skip : skip + count])

    def _entries(self) -> list[tuple[str, bytes, bytes]]:
        """What all processes say, each with the process and the slot; the longest first."""
        with self._app.desk.wire() as wire:
            found = works(wire, self._app.keys, listed(wire, self._app.keys))
        return sorted(found, key=lambda one: work_since_s(one[2]))

    def __iter__(self) -> Iterator[RunningJob]:
        return iter(self.all())

    def __len__(self) -> int:
        """How many run."""
        return len(self.all())

    def __bool__(self) -> bool:
        """Always True."""
        return True

    def find(self, jid: str) -> RunningJob | None:
        """The job with this id, if it runs and was told of.

        Raises:
            InvalidOption: ``jid`` is no id.
            StoreError: Redis is away or refuses.
        """
        checked_jid(jid)
        return next((one for one in self if one.jid == jid), None)


def _jobs(entries: Iterable[tuple[str, bytes, bytes]]) -> list[RunningJob]:
    found = (_job(identity, work_entry(slot, value)) for identity, slot, value in entries)
    return [one for one in found if one is not None]


def _job(identity: str, entry: WorkEntry) -> RunningJob | None:
    try:
        record = records.loads(entry.payload)
    except Malformed:
        return None
    since_s = 0.0 if entry.since_s is None else entry.since_s
    name = record.get("display_class") or record["class"]
    return RunningJob(identity, entry.slot, record["jid"], str(name), entry.queue, since_s, entry.progress, record)
