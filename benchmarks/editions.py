"""What an installed edition costs a job that uses nothing of it: ``hatch run editions``.

The same jobs as `throughput`, through the free edition and through the free edition with Pro installed, in turns, each
in a process of its own. Prints the median of the ratios of neighbours: a machine that gets slower slows both.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import throughput

from offsider.worker.worker import Worker
from offsider_pro.edition import ProEdition
from support.server import Server

LEAST_SHARE = 0.97
INSTALLED = {"oss": (), "pro": (ProEdition,)}


def has_started(worker: Worker) -> bool:
    """Also the process beside it, of which a second of importing would be taken for a cost of jobs."""
    guard: Any = dict(worker.services.items()).get("pro.guard")
    return guard is None or bool(guard.is_relieved)


def in_a_process(url: str, installed: str, kind: str, jobs: int) -> tuple[float, float]:
    """Jobs a second, and CPU µs a job."""
    command = [sys.executable, __file__, "--one", installed, "--kind", kind, "--url", url, "--jobs", str(jobs)]
    rate, cpu_us = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return rate, cpu_us


def compare(url: str, kind: str, jobs: int, rounds: int) -> tuple[float, float]:
    """With Pro over without: medians of the rates' ratios, and of the CPU's."""
    rates, cpus = [], []
    for number in range(rounds):
        order = ("oss", "pro") if number % 2 else ("pro", "oss")
        found = {installed: in_a_process(url, installed, kind, jobs) for installed in order}
        rates.append(found["pro"][0] / found["oss"][0])
        cpus.append(found["pro"][1] / found["oss"][1])
    return statistics.median(rates), statistics.median(cpus)


def main() -> int:
    """Measure and print; fails under the least share."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--cores", help="pin everything to these cores, e.g. 0")
    parser.add_argument("--one", choices=INSTALLED, help=argparse.SUPPRESS)
    parser.add_argument("--kind", choices=throughput.KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        logging.disable(logging.WARNING)
        editions = [edition(license="evaluation") for edition in INSTALLED[given.one]]
        print(json.dumps(throughput.engine(given.url, given.kind, given.jobs, editions, has_started)))
        return 0
    if given.cores:
        os.sched_setaffinity(0, {int(core) for core in given.cores.split(",")})
    shares = {}
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), "--appendonly", "no").start()
        try:
            for kind in throughput.KINDS:
                shares[kind], cpu = compare(server.url, kind, given.jobs, given.rounds)
                print(f"{kind:8} with Pro over without: {shares[kind]:.1%} of the jobs a second, {cpu:.3f} x the CPU")
        finally:
            server.stop()
    return 0 if min(shares.values()) >= LEAST_SHARE else 1


if __name__ == "__main__":
    raise SystemExit(main())
