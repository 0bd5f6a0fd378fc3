"""Fleets with Pro's reliable fetch under fire: how soon jobs are given back, and who is blamed."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields
from random import Random
from statistics import median
from typing import Any

from offsider.api.fsck import fsck

from .fleet import Fleet, WorkerProcess
from .load import Effect, ends, starts
from .tally import Death, kill, tally
from .waiting import until

HOWS = ("kill", "segfault", "exit")
GUARDED = " is guarded by process "
BOOT_S = 60.0
GUARD_S = 3.0
GIVEN_BACK_S = 5.0
HELD_S = 60


@dataclass
class Kills:
    """What became of workers that were killed at random moments.

    Attributes:
        given_s: For each job in flight in a death: seconds until it was given back.
        started_s: The same until its body ran again.
        broken: Rules of fsck that do not hold.
    """

    deaths: int = 0
    jobs: int = 0
    lost: int = 0
    dead: int = 0
    unfinished: int = 0
    given_s: list[float] = field(default_factory=list)
    started_s: list[float] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.deaths} kills of {self.jobs} jobs: {self.lost} lost, {self.dead} dead; given back after"
            f" {_of(self.given_s)}, started after {_of(self.started_s)}"
        )


@dataclass
class Blames:
    """What became of poisonous jobs and of those beside them."""

    seeds: int = 0
    poisons: int = 0
    poisons_dead: int = 0
    innocents: int = 0
    innocents_dead: int = 0
    innocents_blamed: int = 0
    innocents_ended: int = 0
    workers_lost: int = 0

    def add(self, other: Blames) -> None:
        """The sums of both."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))


def _of(times_s: Sequence[float]) -> str:
    return f"{median(times_s):.2f} s (worst {max(times_s):.2f} s)" if times_s else "nothing"


def guarded(worker: WorkerProcess) -> WorkerProcess:
    """Wait until its companion speaks for it."""
    until(lambda: not worker.alive or GUARDED in worker.log.read_text("utf-8"), BOOT_S, "a worker is guarded")
    assert worker.alive, worker.output()
    return worker


def start(fleet: Fleet, threads: int) -> WorkerProcess:
    """A worker that says when it is guarded."""
    return fleet.start("--log-level", "INFO", "-c", str(threads))


def killed(
    fleet: Fleet,
    rng: Random,
    *,
    kills: int,
    workers: int,
    threads: int,
    longest_ms: float,
    goes_on: Callable[[], bool] = lambda: True,
) -> Kills:
    """Kill one worker after the other at a random moment under load, and start another one."""
    found, jids, deaths = Kills(), [], []
    running = [start(fleet, threads) for _ in range(workers)]
    jids += fleet.enqueue_many("work", [(rng.uniform(0, longest_ms),) for _ in range(40 * threads)])
    for _ in range(kills):
        if not goes_on():
            break
        for worker in running:
            guarded(worker)
        # Enough for all until the next death: a worker that has nothing in flight proves nothing.
        left = [jid for jid in jids if jid not in fleet.record.ended]
        if len(left) < 80 * threads:
            jids += fleet.enqueue_many("work", [(rng.uniform(0, longest_ms),) for _ in range(80 * threads)])
        threading.Event().wait(rng.uniform(0, 0.3))
        deaths.append(kill(running.pop(rng.randrange(len(running)))))
        running.append(start(fleet, threads))
        fleet.record.read()
    until(lambda: fleet.ended(jids) and fleet.idle(), 300, "every job has ended")
    counted = tally(fleet, jids)
    found.deaths, found.jobs = len(deaths), counted.jobs
    found.lost, found.dead, found.unfinished = len(counted.lost), counted.dead, counted.unfinished
    found.given_s, found.started_s = _times_s(fleet.record.read(), deaths)
    fleet.stop(60)
    found.broken = [one.breach.says for one in fsck(fleet.app).found if not one.breach.note]
    return found


def _times_s(effects: Sequence[Effect], deaths: Sequence[Death]) -> tuple[list[float], list[float]]:
    """Of the jobs that had begun in a killed process and not ended there: until they were given back, and until they
    began again. One whose end was told and not acknowledged is given back, too."""
    begun, ended = starts(effects), ends(effects)
    given: dict[str, list[float]] = {}
    for effect in effects:
        if effect.kind == "O":
            given.setdefault(effect.jid, []).append(effect.at_s)
    back, again = [], []
    for death in deaths:
        for jid, attempts in begun.items():
            if not any(one.pid == death.pid for one in attempts):
                continue
            if any(one.pid == death.pid for one in ended.get(jid, ())):
                continue
            back.append(min((at for at in given.get(jid, ()) if at > death.at_s), default=float("inf")) - death.at_s)
            later = [one.at_s for one in attempts if one.at_s > death.at_s]
            again.append(min(later, default=float("inf")) - death.at_s)
    return back, again


def blamed(fleet: Fleet, rng: Random, *, jobs: int, poisons: int, workers: int, threads: int) -> Blames:
    """Jobs of which some kill their process, at a random moment, in one way or another; whoever dies is replaced."""
    running = [start(fleet, threads) for _ in range(workers)]
    for worker in running:
        guarded(worker)
    calls = [(rng.uniform(10, 400),) for _ in range(jobs - poisons)]
    innocents = fleet.enqueue_many("work", calls[: len(calls) // 2])
    bad = [fleet.enqueue("poison", rng.choice(HOWS), rng.uniform(0, 100)) for _ in range(poisons)]
    innocents += fleet.enqueue_many("work", calls[len(calls) // 2 :])
    found = Blames(seeds=1, poisons=poisons, innocents=len(innocents))

    def is_over() -> bool:
        for k, worker in enumerate(running):
            if not worker.alive:
                found.workers_lost += 1
                running[k] = start(fleet, threads)
        return fleet.ended(innocents) and fleet.idle() and {*bad} <= {*dead_of(fleet)}

    until(is_over, 120, "the innocent have ended and the poisonous are dead")
    dead = dead_of(fleet)
    found.poisons_dead = sum(jid in dead for jid in bad)
    found.innocents_dead = sum(jid in dead for jid in innocents)
    found.innocents_ended = sum(fleet.ended([jid]) for jid in innocents)
    log = fleet.logs()
    found.innocents_blamed = sum(f"({jid}) has died alone" in log for jid in innocents)
    fleet.stop(60)
    return found


def dead_of(fleet: Fleet) -> dict[str, dict[str, Any]]:
    """The dead set: jid → record."""
    return {record["jid"]: record for record in map(json.loads, fleet.raw.zrange(fleet.keys.dead, 0, -1))}


# -- the long run ------------------------------------------------------------------------------------------------

Add = Callable[[str, object, str, bool], None]
"""A figure: what it is, its value, what is wanted, whether it is that."""
Bed = Callable[[str], AbstractContextManager[tuple[Any, Fleet]]]
"""A server and a fleet with Pro of their own, in a folder of this name."""


def reliable(add: Add, bed: Bed, rng: Random, *, kills: int, seeds: int, end_s: float) -> None:
    """All of it: workers killed at random moments, poisonous jobs among others, a held interpreter."""
    with bed("kills") as (_server, fleet):
        found = killed(
            fleet, rng, kills=kills, workers=3, threads=10, longest_ms=60.0, goes_on=lambda: time.monotonic() < end_s
        )
    add("reliable: kills, jobs", f"{found.deaths}, {found.jobs}", "> 0", found.deaths > 0)
    add("reliable: lost, unfinished", f"{found.lost}, {found.unfinished}", "0, 0", not found.lost + found.unfinished)
    add("reliable: dead, and none is guilty", found.dead, "0", not found.dead)
    given, again = found.given_s or [0.0], found.started_s or [0.0]
    add("reliable: given back after, median, s", f"{median(given):.2f}", "told", True)
    add("reliable: given back after, worst, s", f"{max(given):.2f}", f"<= {GIVEN_BACK_S:g}", max(given) <= GIVEN_BACK_S)
    add("reliable: ran again after, median and worst, s", f"{median(again):.2f}, {max(again):.2f}", "told", True)
    add("reliable: broken rules", found.broken or 0, "0", not found.broken)
    total = Blames()
    for number in range(seeds):
        with bed(f"seed{number}") as (_server, fleet):
            total.add(blamed(fleet, Random(rng.random()), jobs=20, poisons=1, workers=2, threads=4))
    add("blame: lots, workers lost", f"{total.seeds}, {total.workers_lost}", f"{seeds}", total.seeds == seeds)
    add("blame: poisonous jobs dead", total.poisons_dead, f"{seeds}", total.poisons_dead == seeds)
    wrong = total.innocents_dead + total.innocents_blamed
    add(f"blame: of {total.innocents} innocents dead or blamed", wrong, "0", not wrong)
    ended = total.innocents_ended == total.innocents
    add("blame: innocents ended", total.innocents_ended, f"{total.innocents}", ended)
    with bed("held") as (_server, fleet):
        gone = held(fleet)
    add(f"interpreter held for {HELD_S} s: taken for dead, run twice", gone, "(0, 0)", gone == (0, 0))


def held(fleet: Fleet) -> tuple[int, int]:
    """A job keeps the interpreter for a minute, twenty times as long as a process may be silent.

    Returns:
        How many processes were taken for dead, and how many jobs started twice.
    """
    for _ in range(2):
        guarded(start(fleet, 3))
    jids = [fleet.enqueue("hog", HELD_S), *fleet.enqueue_many("work", [(20,)] * 50)]
    until(lambda: fleet.ended(jids) and fleet.idle(), HELD_S + 60, "every job has ended")
    return fleet.raw.zcard(f"{fleet.keys.prefix}deaths"), tally(fleet, jids).doubles
