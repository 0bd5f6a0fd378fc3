"""What the adapters for asyncio systems have in common: their command line, and enqueuing with ``await``.

It never imports a job system and never measures a worker: the driver does that, from outside.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from command_line import HERE, TRACE, WARM_UP_JOBS, Arguments, answer, arguments, traced

URL = "VERSUS_URL"


async def noop(text: str, number: int, options: dict[str, str]) -> None:
    """Nothing."""


async def traced_noop(text: str, number: int, options: dict[str, str]) -> None:
    """Leave a line in the file that ``VERSUS_TRACE`` names."""
    traced(text, number, options)


body = traced_noop if TRACE else noop


@dataclass(frozen=True)
class Enqueuer:
    """How one system enqueues.

    Attributes:
        one: Enqueues one job.
        forget: Leaves the database as it is before the first job.
        many: Enqueues many at once; None where the system documents no way to.
    """

    one: Callable[[Arguments], Awaitable[Any]]
    forget: Callable[[], Awaitable[Any]]
    many: Callable[[Sequence[Arguments]], Awaitable[Any]] | None = None

    async def seconds(self, count: int, way: str) -> float:
        """Enqueue ``count`` jobs and say how long it took, connected and warmed up before."""
        jobs = list(arguments(count))
        enqueue = self._one_by_one if way == "one" else self.many
        if enqueue is None:
            raise SystemExit("this system documents no way to enqueue many jobs at once: ask for 'one'")
        await enqueue(jobs[:WARM_UP_JOBS])
        await self.forget()
        gc.collect()
        started_s = time.perf_counter()
        await enqueue(jobs)
        return time.perf_counter() - started_s

    async def _one_by_one(self, jobs: Sequence[Arguments]) -> None:
        for job in jobs:
            await self.one(job)


def main(
    packages: Sequence[str],
    connected: Callable[[str, str], AbstractAsyncContextManager[Enqueuer]],
    workers: dict[str, Callable[[str], Any]],
) -> None:
    """`answer` for systems whose enqueuer lives on an event loop.

    Args:
        packages: The distributions whose versions are told.
        connected: Makes the enqueuer for a URL and a variant, connected while the context lasts.
        workers: Runs each variant's worker at a URL until SIGTERM; the first one is that of the defaults.
    """

    def seconds(given: argparse.Namespace) -> float:
        return asyncio.run(_enqueue(connected(given.url, given.variant), given.count, given.way))

    answer(packages, seconds, workers)


async def _enqueue(connected: AbstractAsyncContextManager[Enqueuer], count: int, way: str) -> float:
    async with connected as enqueuer:
        return await enqueuer.seconds(count, way)


def command_of(module: str, *words: str, **environment: str) -> Callable[[str], None]:
    """A system's own command line, ``python -m MODULE WORDS``, in the place of this process.

    It finds the adapters as modules and the server's URL in the variable that `URL` names.
    """

    def run(url: str) -> None:
        command = [sys.executable, "-m", module, *words]
        os.execve(command[0], command, {**os.environ, URL: url, "PYTHONPATH": HERE, **environment})

    return run
