"""What the Python adapters have in common: their command line, the jobs' arguments and what a traced job does.

It never imports a job system and never measures a worker: the driver does that, from outside.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

WARM_UP_JOBS = 100
TRACE = os.environ.get("VERSUS_TRACE")
HERE = str(Path(__file__).parent)

Arguments = tuple[str, int, dict[str, str]]


def arguments(count: int) -> Iterator[Arguments]:
    """What the jobs are enqueued with, the same everywhere."""
    return (("string", number, {"mike": "bob"}) for number in range(count))


def noop(text: str, number: int, options: dict[str, str]) -> None:
    """Nothing."""


def traced(text: str, number: int, options: dict[str, str]) -> None:
    """Leave a line in the file that ``VERSUS_TRACE`` names, to see by eye that every job ran once."""
    with Path(TRACE or os.devnull).open("a") as out:
        out.write(f"{text} {number} {options['mike']}\n")


body = traced if TRACE else noop


class Enqueuer:
    """How one system enqueues; ``many`` stays None where it documents no way to enqueue many at once."""

    def __init__(
        self,
        one: Callable[[Arguments], Any],
        forget: Callable[[], Any],
        many: Callable[[Sequence[Arguments]], Any] | None = None,
    ) -> None:
        self.one = one
        self.forget = forget
        self.many = many

    def seconds(self, count: int, way: str) -> float:
        """Enqueue ``count`` jobs and say how long it took, connected and warmed up before."""
        jobs = list(arguments(count))
        enqueue = self._way(way)
        enqueue(jobs[:WARM_UP_JOBS])
        self.forget()
        gc.collect()
        started_s = time.perf_counter()
        enqueue(jobs)
        return time.perf_counter() - started_s

    def _way(self, way: str) -> Callable[[Sequence[Arguments]], Any]:
        if way == "one":
            return self._one_by_one
        if self.many is None:
            raise SystemExit("this system documents no way to enqueue many jobs at once: ask for 'one'")
        return self.many

    def _one_by_one(self, jobs: Sequence[Arguments]) -> None:
        for job in jobs:
            self.one(job)


def main(
    packages: Sequence[str], enqueuer: Callable[[str], Enqueuer], workers: dict[str, Callable[[str], Any]]
) -> None:
    """`answer` for systems whose enqueuer is made for a URL and blocks."""
    answer(packages, lambda given: enqueuer(given.url).seconds(given.count, given.way), workers)


def answer(
    packages: Sequence[str],
    seconds: Callable[[argparse.Namespace], float],
    workers: dict[str, Callable[[str], Any]],
) -> None:
    """Answer ``versions``, ``enqueue URL COUNT one|bulk [VARIANT]`` or ``worker URL VARIANT``.

    Args:
        packages: The distributions whose versions are told.
        seconds: Enqueues ``count`` jobs in a ``way`` at a ``url`` for a ``variant``; how long it took.
        workers: Runs each variant's worker at a URL until SIGTERM; the first one is that of the defaults.
    """
    parser = argparse.ArgumentParser()
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("versions")
    enqueue = verbs.add_parser("enqueue")
    enqueue.add_argument("url")
    enqueue.add_argument("count", type=int)
    enqueue.add_argument("way", choices=("one", "bulk"))
    enqueue.add_argument("variant", choices=list(workers), nargs="?", default=next(iter(workers)))
    worker = verbs.add_parser("worker")
    worker.add_argument("url")
    worker.add_argument("variant", choices=list(workers))
    given = parser.parse_args()
    if given.verb == "versions":
        print(json.dumps({name: version(name) for name in packages}))
    elif given.verb == "enqueue":
        print(json.dumps({"seconds": seconds(given)}))
    else:
        workers[given.variant](given.url)
