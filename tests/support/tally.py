"""The figures of a chaos test: what was lost, what ran twice, how long the dead one's jobs waited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from . import invariants
from .fleet import Fleet, WorkerProcess
from .load import Effect, ends, starts


@dataclass(frozen=True)
class Tally:
    """What became of the jobs that were enqueued.

    Attributes:
        jobs: How many.
        lost: Those that never ended well and are kept nowhere.
        unfinished: Those that wait or are in flight.
        dead: Those in the dead set or the quarantine.
        doubles: Starts beyond the first of each attempt.
        worst: How often the job that started most often did.
    """

    jobs: int
    lost: tuple[str, ...]
    unfinished: int
    dead: int
    doubles: int
    worst: int

    def __str__(self) -> str:
        return (
            f"{self.jobs} jobs: {len(self.lost)} lost, {self.unfinished} unfinished, {self.dead} dead,"
            f" {self.doubles} second starts, at most {self.worst} starts of one"
        )


def tally(fleet: Fleet, jids: Sequence[str]) -> Tally:
    """Count, for these jobs."""
    effects = fleet.record.read()
    ended = ends(effects)
    state = invariants.read(fleet.raw, fleet.keys)
    missing = [jid for jid in jids if jid not in ended]
    kept = {jid for jid in missing if set(state.places.get(jid, ())) & {"dead", "quarantine"}}
    waiting = {jid for jid in missing if jid in state.places} - kept
    lost = tuple(jid for jid in missing if jid not in kept and jid not in waiting)
    begun = starts(effects)
    doubles = sum(_second_starts(begun.get(jid, ())) for jid in jids)
    worst = max((len(begun.get(jid, ())) for jid in jids), default=0)
    return Tally(len(jids), lost, len(waiting), len(kept), doubles, worst)


def _second_starts(begun: Iterable[Effect]) -> int:
    return sum(count - 1 for count in Counter(effect.attempt for effect in begun).values())


@dataclass(frozen=True)
class Death:
    """One process that was killed.

    Attributes:
        at_s: When, on the monotonic clock.
        in_flight: How many jobs Redis held for it then: as many may run twice, and no more.
    """

    pid: int
    at_s: float
    in_flight: int = 0


def kill(worker: WorkerProcess) -> Death:
    """``kill -9``, noted."""
    at_s = worker.kill()
    return Death(worker.pid, at_s, worker.in_flight())


def restart_times_s(effects: Sequence[Effect], deaths: Iterable[Death]) -> list[float]:
    """For each job that had started in a killed process and not ended there: seconds from the death to its next start.

    A job that ended there and whose acknowledgement was lost starts again, too, but it need not.
    """
    begun, ended = starts(effects), ends(effects)
    times: list[float] = []
    for death in deaths:
        for jid, attempts in begun.items():
            if not any(one.pid == death.pid for one in attempts):
                continue
            if any(one.pid == death.pid for one in ended.get(jid, ())):
                continue
            later = [one.at_s for one in attempts if one.pid != death.pid and one.at_s > death.at_s]
            times.append(min(later) - death.at_s if later else float("inf"))
    return times
