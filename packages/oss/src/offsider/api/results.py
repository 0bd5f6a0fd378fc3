"""What a job has returned, for jobs with the option ``result_ttl``; waits for it without asking again and again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import clock
from ..contract.work import Hold
from ..errors import InvalidOption, Malformed, ResultError, shown
from ..job.record import Record
from ..job.result import read
from ..job.sealing import FIELD as SEALED
from ..job.sealing import shown as shown_field
from .desk import told
from .info import searcher
from .search import DEAD, IN_FLIGHT, QUARANTINE, checked_jid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..job.define import Job
    from ..store.wire import Wire
    from .manage import Management

WAITING = "waiting"
RUNNING = "running"
DONE = "done"
FAILED = "failed"
CANCELLED = "cancelled"
GONE = "gone"
LONGEST_WAIT_S = 5.0  # of one command: who stops waiting is free soon
MOST_TIMEOUT_S = 86_400.0
NOT_OURS = "what is kept under its id is no result: another program has written it, or another version"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a job.

    Attributes:
        jid: Its id.
        state: ``waiting`` (in a queue, the schedule, or for its next attempt), ``running``, ``done``, ``failed`` (dead,
            or out of retries), ``cancelled``, or ``gone``: nothing is known. Its result has expired, is not kept at
            all, or the job was deleted or never there.
        value: What it returned, as its annotation says; None unless it is done.
        error: ``ErrorClass: message`` when it has failed, or when what it returned could not be kept. Of one that is
            gone: what lies in its place and is no result.
        name: The job's; empty when it is not known.
        at_s: When it ended, epoch seconds; None before that.
        sealed: True when it lies encrypted in Redis: show a mask instead.

    Example:
        >>> Result("b4a5", "done", 42).get()
        42
    """

    jid: str
    state: str
    value: Any = None
    error: str = ""
    name: str = ""
    at_s: float | None = None
    sealed: bool = False

    @property
    def is_final(self) -> bool:
        """True when it will not change any more, but for going."""
        return self.state in (DONE, FAILED, CANCELLED, GONE)

    def get(self) -> Any:
        """The value.

        Raises:
            ResultError: There is none: the job is not done, has failed, or is gone.
        """
        if self.state == DONE and not self.error:
            return self.value
        why = f": {self.error}" if self.error else ""
        raise ResultError(
            f"job {self.jid} has no result, it is {self.state}{why}. Results are of jobs with result_ttl=, for so long"
        )

    def to_dict(self) -> dict[str, Any]:
        """All of it; for JSON when the value is."""
        return {"jid": self.jid, "state": self.state, "value": self.value, "error": self.error, "name": self.name,
                "at_s": self.at_s}  # fmt: skip


def checked_timeout(timeout: Any) -> float:
    """Seconds to wait.

    Raises:
        InvalidOption: No number from 0 to a day.
    """
    if type(timeout) in (int, float) and 0 <= timeout <= MOST_TIMEOUT_S and not math.isnan(timeout):
        return float(timeout)
    raise InvalidOption(f"timeout is {shown(timeout)}: expected seconds, from 0 to {MOST_TIMEOUT_S:,.0f}")


def wait_for(app: Management, jid: str, timeout_s: float) -> Result | None:
    """The kept result; None when it has not come within the time, five seconds at most.

    Args:
        app: Whose Redis.
        jid: The job.
        timeout_s: How long to wait.

    Raises:
        InvalidOption: ``jid`` is no id.
        StoreError: Redis is away or refuses.
    """
    key = app.keys.result(checked_jid(jid))
    with app.desk.wire() as wire:
        found = told(wire, [], "LRANGE", key, 0, 0)
        if not found and timeout_s > 0:
            wait_s = f"{max(0.01, min(timeout_s, LONGEST_WAIT_S)):.3f}"
            # From the list to itself: nothing is taken out, and everybody who waits is woken.
            moved = wire.command("BLMOVE", key, key, "LEFT", "LEFT", wait_s)
            found = [] if moved is None else [moved]
    if not found:
        return None
    record = read(found[0])
    # It would be there at once, however often somebody waits for it.
    return Result(jid, GONE, error=NOT_OURS) if record is None else _final(jid, record, app.jobs)


def result(app: Management, jid: str, timeout_s: float, *, limit: int) -> Result:
    """Wait for a result; without one, look for the job."""
    until_s = clock.monotonic_s() + timeout_s
    while True:
        left_s = max(0.0, until_s - clock.monotonic_s())
        found = wait_for(app, jid, left_s)
        if found is not None:
            return found
        if left_s <= LONGEST_WAIT_S:
            return where_it_is(app, jid, limit=limit)


def where_it_is(app: Management, jid: str, *, limit: int) -> Result:
    """The state of a job without a result. It may come while we look: that is asked last.

    Args:
        app: Whose Redis.
        jid: The job.
        limit: How many entries to look at, at most.

    Raises:
        InvalidOption: ``jid`` is no id, or ``limit`` no such number.
        StoreError: Redis is away or refuses.
    """
    with app.desk.wire() as wire:
        state = _state(app, wire, jid, limit)
    return (wait_for(app, jid, 0.0) or state) if state.state in (RUNNING, GONE) else state


def _state(app: Management, wire: Wire, jid: str, limit: int) -> Result:
    found = searcher(app, wire, jid, limit).find()
    if found is None:
        return Result(jid, GONE)
    record = found.record or {}
    name = str(record.get("class", ""))
    if found.place in (DEAD, QUARANTINE):
        error = f"{record['error_class']}: {shown_field(record, 'error_message')}" if "error_class" in record else ""
        return Result(jid, FAILED, None, error or found.reason, name, found.at_s)
    return Result(jid, RUNNING if found.place == IN_FLIGHT else WAITING, name=name)


def _final(jid: str, record: Record, jobs: Mapping[str, Job[..., Any]]) -> Result:
    job = jobs.get(record["class"])
    if SEALED in record:
        return _opened(jid, record, job)
    return _told(jid, record, job)


def _told(jid: str, record: Record, job: Job[..., Any] | None, *, sealed: bool = False) -> Result:
    name, value = record["class"], record.get("value")
    error = f"{record['error_class']}: {shown_field(record, 'error_message')}" if "error_class" in record else ""
    if record["state"] == DONE and not error and job is not None:
        value = job.returned.decode(value)
    return Result(jid, record["state"], value, error, name, record["at"] / 1000, sealed)


def _opened(jid: str, record: Record, job: Job[..., Any] | None) -> Result:
    """What is kept encrypted, for who has the job's code and the key."""
    why = "the job is not known in this process"
    if job is not None:
        try:
            return _told(jid, job.codec.open_fields(record, jid=jid, of="result"), job, sealed=True)
        except (Malformed, Hold) as error:
            why = str(error)
    told = f"what it has left is encrypted, and not read here: {why}"
    return Result(jid, record["state"], None, told, record["class"], record["at"] / 1000, sealed=True)
