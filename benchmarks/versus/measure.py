"""Measures one system from outside: its queue in Redis, its worker's processes in /proc. Never looks inside."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import redis
from versus.catalogue import Variant
from versus.environments import Installed
from versus.processes import Unmeasured, last_line, pinned, stop, tree
from versus.remaining import Remaining

THROUGHPUT = Path(__file__).parents[1] / "throughput.py"
MOST_JOBS = 100_000
RUN_S = 3.5
ENQUEUE_S = 1.0
_POLL_S = 0.02
_LONGEST_S = 180.0
_LONGEST_WITHOUT_PROGRESS_S = 45.0
_PROBES = (200, 2_000, 20_000)
_LEAST_PROBE_S = 0.4


@dataclass(frozen=True)
class Bench:
    """Where everything runs: the server, and the cores of it and of what is measured."""

    client: redis.Redis
    url: str
    cores: frozenset[int]


@dataclass(frozen=True)
class Run:
    """What one worker did between its first job and its last.

    Attributes:
        rate: Jobs a second; 0 when it was over within one look.
        cpu_us: CPU of the worker's whole process tree, µs a job.
        commands: Commands that Redis processed, a job; those inside of scripts count.
        rss_mb: Memory of the whole tree at the end.
    """

    rate: float
    cpu_us: float | None = None
    commands: float | None = None
    rss_mb: float | None = None


@dataclass(frozen=True)
class _Look:
    """The state at one moment."""

    at_s: float
    remaining: int
    cpu_s: float
    rss_bytes: int
    commands: int


def run_worker(bench: Bench, installed: Installed, variant: Variant, jobs: int) -> Run:
    """Fill the queue, start the worker, watch the queue until it is empty.

    Raises:
        Unmeasured: Jobs are missing, the worker ended, or it got stuck.
    """
    seconds_to_enqueue(bench, installed, variant, jobs, "bulk" if installed.system.bulk else "one")
    remaining = Remaining(bench.client, installed.system.remaining)
    full = remaining.count()
    if not full or full % jobs:
        raise Unmeasured(f"after enqueuing {jobs:,} jobs, {full:,} remain")
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "said").open("wb") as said:
        command = [*installed.command, "worker", bench.url, variant.name]
        with pinned(bench.cores):
            worker = subprocess.Popen(
                command, cwd=folder, env=installed.environment, stdout=said, stderr=said, start_new_session=True
            )
        try:
            first = _wait(remaining, worker, said.name, full)
            last = _wait(remaining, worker, said.name, 1)
        finally:
            stop(worker)
    return _between(first, last, full / jobs)


def seconds_to_enqueue(bench: Bench, installed: Installed, variant: Variant, count: int, how: str) -> float:
    """How long an empty database's first ``count`` jobs took; they are left there."""
    bench.client.flushall()
    bench.client.script_flush()
    more = [variant.name] if installed.system.enqueue_variant else []
    command = [*installed.command, "enqueue", bench.url, str(count), how, *more]
    said = _printed(bench, command, installed.environment)
    return float(json.loads(said)["seconds"])


def bare_limit(bench: Bench, kind: str, jobs: int = MOST_JOBS) -> Run:
    """The same work over a bare socket without an engine, as ``hatch run bench`` measures it."""
    bench.client.flushall()
    bench.client.script_flush()
    command = [sys.executable, str(THROUGHPUT), "--one", "bare", "--kind", kind, "--url", bench.url]
    rate, cpu_us = json.loads(_printed(bench, [*command, "--jobs", str(jobs)]))
    return Run(float(rate), float(cpu_us))


def enough_jobs(rate_of: Callable[[int], float], seconds: float = RUN_S) -> int:
    """How many jobs take about so long, at most 100,000: tried with few, with more only where those were too quick.

    Args:
        rate_of: Runs that many jobs; returns how many a second, 0 when that was too quick to tell.
        seconds: How long it is to take.
    """
    rate = 0.0
    for jobs in _PROBES:
        rate = rate_of(jobs)
        if rate and jobs / rate >= _LEAST_PROBE_S:
            break
    wanted = rate * seconds if rate else MOST_JOBS
    rounded = int(float(f"{wanted:.2g}"))
    return max(_PROBES[0], min(MOST_JOBS, rounded))


def _between(first: _Look, last: _Look, per_job: float) -> Run:
    """What happened between two looks; ``per_job`` is how much of what remains stands for one job."""
    jobs = (first.remaining - last.remaining) / per_job
    elapsed_s = last.at_s - first.at_s
    if not jobs or not elapsed_s:
        return Run(0.0)
    return Run(
        rate=jobs / elapsed_s,
        cpu_us=(last.cpu_s - first.cpu_s) / jobs * 1e6,
        commands=(last.commands - first.commands) / jobs,
        rss_mb=last.rss_bytes / 1e6,
    )


def _wait(remaining: Remaining, worker: subprocess.Popen[bytes], said: str, below: int) -> _Look:
    """The first look at which less than ``below`` remains."""
    tick = threading.Event()
    started_s = progress_s = time.perf_counter()
    before = -1
    while True:
        now, at_s = remaining.count(), time.perf_counter()
        if now < below:
            processes = tree(worker.pid)
            cpu_s, rss_bytes = sum(one.cpu_s for one in processes), sum(one.rss_bytes for one in processes)
            return _Look(at_s, now, cpu_s, rss_bytes, remaining.total_commands())
        if worker.poll() is not None:
            text = Path(said).read_text("utf-8", "replace")
            raise Unmeasured(f"its worker ended with {worker.returncode}: {last_line(text)}")
        if now != before:
            before, progress_s = now, at_s
        if at_s - started_s > _LONGEST_S or at_s - progress_s > _LONGEST_WITHOUT_PROGRESS_S:
            raise Unmeasured(f"{now:,} jobs remain after {at_s - started_s:.0f} s")
        tick.wait(_POLL_S)


def _printed(bench: Bench, command: list[str], environment: dict[str, str] | None = None) -> str:
    """The last line that a command printed."""
    with tempfile.TemporaryDirectory() as folder, pinned(bench.cores):
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=_LONGEST_S
        )
    if done.returncode:
        raise Unmeasured(f"its adapter ended with {done.returncode}: {last_line(done.stderr)}")
    return last_line(done.stdout)
