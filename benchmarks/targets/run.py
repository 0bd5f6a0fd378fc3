"""Figures of our own beside their targets: ``hatch run targets``. For those beside other systems see `versus`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
sys.path.insert(0, str(Path(__file__).parent))

from measures import everything
from rig import rig

from support.server import program

# What is wanted, from above (<=) or from below (>=). Absolute times are for an ordinary machine of two cores.
TARGETS: dict[str, tuple[str, float]] = {
    "typed arguments, µs more": ("<=", 8),
    "10 ms sleeps at 50, share of ideal": (">=", 0.97),
    "enqueue to start p50, ms": ("<=", 0.5),
    "enqueue to start p99, ms": ("<=", 1.5),
    "idle CPU, %": ("<=", 1),
    "idle commands/s": ("<=", 2),
    "idle RSS, MB": ("<=", 45),
    "boot, s": ("<=", 0.35),
    "10,000 due at once, s": ("<=", 0.5),
    "lateness p99, s": ("<=", 1),
    "1,000,000 waiting, share of the speed with 10,000": (">=", 0.95),
    "two processes on two cores, times one on one": (">=", 1.2),
    "1,000 queues: CPU a job, times that with one": ("<=", 1.25),
    "1,000 queues: requests a job, times that with one": ("<=", 1.25),
    "200 processes: CPU a job, times that with one": ("<=", 1.25),
    "200 processes: requests a job, times that with one": ("<=", 1.25),
}


def is_met(name: str, value: float) -> bool | None:
    """Whether a figure is what is wanted; None where nothing is.

    Example:
        >>> is_met("boot, s", 0.3), is_met("enqueue one, jobs/s", 1.0)
        (True, None)
    """
    if name not in TARGETS:
        return None
    sign, target = TARGETS[name]
    return value <= target if sign == "<=" else value >= target


def line(name: str, value: float) -> str:
    """One line of the table."""
    sign, target = TARGETS.get(name, ("", 0.0))
    said = {True: "met", False: "NOT met", None: ""}[is_met(name, value)]
    wanted = f"{sign} {target:g}" if sign else ""
    return f"{name:52} {value:>12,.4g}  {wanted:10} {said}"


def main() -> int:
    """Measure what was asked for and print it; fails when a target is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=[name for name, _measure in everything()], help="these alone")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    parser.add_argument("--cores", default="0", help="where everything runs, but two processes; none: anywhere")
    given = parser.parse_args()
    if given.cores != "none":
        os.sched_setaffinity(0, {int(core) for core in given.cores.split(",")})
    machine = f"{os.cpu_count()} cores, on {given.cores}"
    print(f"{Path(program()).name}, Python {platform.python_version()}, {machine}", flush=True)
    found: dict[str, float] = {}
    with rig() as one:
        for name, measure in everything():
            if given.only is None or name in given.only:
                one.empty()
                figures = measure(one)
                found |= figures
                for figure, value in figures.items():
                    print(line(figure, value), flush=True)
    if given.json:
        given.json.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0 if all(is_met(name, value) is not False for name, value in found.items()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
