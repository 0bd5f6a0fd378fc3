"""A resumable job whose process is killed again and again: every step is done, in order, and few are done twice."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from support.fleet import Fleet, WorkerProcess
from support.invariants import assert_sound
from support.waiting import until

KILLS = int(os.environ.get("OFFSIDER_TEST_KILLS") or 6)  # 30 take a minute
LATEST = 0.9  # of its steps: it may not end before it is killed
EVERY_S = 0.05
SLACK_S = 0.35  # a trip to Redis, and what a busy machine adds to it
LEASE_S = 2.0


@dataclass(frozen=True, slots=True)
class Step:
    """One step that was done."""

    number: int
    pid: int
    at_s: float


def steps_of(folder: Path) -> list[Step]:
    """All steps, in the order in which they were done."""
    path = folder / "steps"
    lines = path.read_text("ascii").splitlines() if path.exists() else []
    return [Step(int(number), int(pid), float(at)) for number, pid, at in map(str.split, lines)]


def runs_of(steps: list[Step]) -> list[list[Step]]:
    """The steps of each run: a run ends with its process."""
    runs: list[list[Step]] = []
    for step in steps:
        if not runs or runs[-1][-1].pid != step.pid:
            runs.append([])
        runs[-1].append(step)
    return runs


def running(fleet: Fleet, workers: list[WorkerProcess], least: int) -> WorkerProcess | None:
    """The worker that runs the job, once it has come beyond a step; None before."""
    steps = steps_of(fleet.folder)
    if not steps or steps[-1].number <= least:
        return None
    return next((one for one in workers if one.pid == steps[-1].pid), None)


@pytest.mark.parametrize(("job", "last", "pause_ms"), [("steps", 10_000, 0.2), ("asteps", 3_000, 1.0)])
def test_a_job_whose_process_is_killed_many_times_does_every_step_and_repeats_few(
    make_fleet: Callable[..., Fleet],
    redis_url: str,
    rng: Random,
    tell: Callable[..., str],
    job: str,
    last: int,
    pause_ms: float,
) -> None:
    fleet = make_fleet(redis_url, lease_s=LEASE_S, cursor_every_s=EVERY_S)
    kills = KILLS if job == "steps" else KILLS // 3
    workers = [fleet.start("-c", "2").ready() for _ in range(2)]
    fleet.enqueue(job, last, pause_ms)
    reached = 0
    for number in range(1, kills + 1):
        # At a random moment of this part of the job.
        reached = max(reached + 1, round(last * LATEST * (number - rng.random()) / kills))
        found: list[WorkerProcess] = []
        until(lambda: found or found.extend(filter(None, [running(fleet, workers, reached)])), 40, "it comes on")  # noqa: B023
        workers.remove(found[0])
        found[0].kill()
        workers.append(fleet.start("-c", "2"))
        fleet.end_leases()
    until(lambda: steps_of(fleet.folder)[-1].number == last and fleet.idle(), 40, "the job has ended")
    figures = check(fleet, tell, kills, last)
    assert set(fleet.stop()) == {0}, fleet.logs()
    assert_sound(fleet.raw, fleet.keys, lease_s=LEASE_S, note=figures)


def check(fleet: Fleet, tell: Callable[..., str], kills: int, last: int) -> str:
    """Every step, in order; what was repeated was done within the interval before the death."""
    steps = steps_of(fleet.folder)
    runs = runs_of(steps)
    repeated = [[step for step in before if step.number >= after[0].number] for before, after in pairwise(runs)]
    worst_s = max((one[-1].at_s - one[0].at_s for one in repeated if one), default=0.0)
    figures = tell(runs=len(runs), kills=kills, repeated=sum(map(len, repeated)), worst_s=worst_s)
    assert len(runs) == kills + 1, figures
    assert {step.number for step in steps} == set(range(1, last + 1)), figures
    for run in runs:
        assert [step.number for step in run] == list(range(run[0].number, run[-1].number + 1)), figures
    for before, after in pairwise(runs):
        assert after[0].number <= before[-1].number + 1, f"a step is missing: {figures}"
    assert worst_s <= EVERY_S + SLACK_S, figures
    return figures
