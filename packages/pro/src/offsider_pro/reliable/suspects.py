"""Jobs that were in flight when their process died: how they are marked, and what becomes of them. Runs none.

In the payload, ``suspect``: since when (``at``, ms), with which process and by which cause, and how often the job has
died alone since (``deaths``). The mark stays until the job has ended: every further attempt runs alone, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from offsider import clock
from offsider.errors import ProcessLost
from offsider.job.record import Record
from offsider.worker.recovery import counted

from .cause import Cause
from .guards import ALONE, COMPANY

FIELD = "suspect"
MOST_DEATHS = 3


@dataclass(frozen=True, slots=True)
class Death:
    """The death of a process, as far as it is known.

    Attributes:
        identity: Which.
        cause: What it has died of; None for a process that nobody guarded.
        runs: Of suspects that it ran: jid → ``alone`` or ``company``.
    """

    identity: str
    cause: Cause | None
    runs: dict[str, str]


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What a payload says of it.

    Attributes:
        at_ms: Since when.
        process: With which process the job was lost first.
        cause: Of that death, or of the job's last one alone.
        deaths: How often it has died alone.
    """

    at_ms: int
    process: str
    cause: str
    deaths: int


def suspicion(record: Record) -> Suspicion | None:
    """What a record says; None when the job is none of the suspects. What is not as it should be is not trusted.

    Example:
        >>> suspicion({"jid": "a"}) is None
        True
    """
    found = record.get(FIELD)
    if found is None:
        return None
    mark: dict[str, Any] = found if isinstance(found, dict) else {}
    at, deaths = mark.get("at"), mark.get("deaths")
    return Suspicion(
        at if type(at) is int else 0,
        str(mark.get("process", ""))[:500],
        str(mark.get("cause", ""))[:500],
        deaths if type(deaths) is int and deaths > 0 else 0,
    )


def suspect(record: Record, death: Death) -> None:
    """Mark a job; one that is marked already stays so."""
    if suspicion(record) is None:
        cause = "unknown" if death.cause is None else str(death.cause)
        record[FIELD] = {"at": clock.now_ms(), "process": death.identity, "cause": cause, "deaths": 0}


def judge(record: Record, death: Death) -> ProcessLost | None:
    """What becomes of a job that was in flight when its process died; it may change the record.

    * somebody has told the process to end: nobody is suspected;
    * the job ran alone, in a process of its own: it has not killed this one;
    * it ran in company although it is a suspect, where it cannot be otherwise: its deaths are counted as in the free
      edition, and so are those of processes that nobody guarded;
    * else it is a suspect from now on.

    Returns:
        The error to have it dead of; None to run it again.
    """
    cause = death.cause
    if cause is not None and cause.from_outside:
        return None
    run = death.runs.get(str(record["jid"]))
    if run == ALONE:
        return None
    suspect(record, death)
    return counted(record, death.identity) if cause is None or run == COMPANY else None


def died_alone(record: Record, cause: Cause) -> ProcessLost | None:
    """A job has died in a process of its own: count that in its record.

    Returns:
        The error to have it dead of, at the third death; None to run it alone again.
    """
    mark = suspicion(record) or Suspicion(clock.now_ms(), "", "", 0)
    deaths = mark.deaths + 1
    record[FIELD] = {"at": mark.at_ms, "process": mark.process, "cause": str(cause), "deaths": deaths}
    if deaths < MOST_DEATHS:
        return None
    return ProcessLost(
        f"it ran alone and its process died, {deaths} times; the last one was {cause}. Find out what kills it before"
        " you run it again"
    )


def reason(_app: Any, record: Record, place: str) -> str | None:
    """Why a job runs as it does, for whoever asks."""
    mark = suspicion(record)
    if mark is None:
        return None
    where = f"in flight when {mark.process} died" if mark.process else "in flight when its process died"
    if mark.deaths:
        died = f"it has died alone {mark.deaths} of {MOST_DEATHS} times, the last time {mark.cause}"
    else:
        died = f"that process was {mark.cause}" if mark.process else "it has not died alone"
    then = "" if place == "dead" else "; it runs in a process of its own"
    return f"it is a suspect: it was {where}; {died}{then}"
