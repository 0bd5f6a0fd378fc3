"""How much of the bare limit the whole engine reaches: ``hatch run bench``.

100,000 jobs that do nothing, pre-filled, through one worker process as users get it (crash-safe, heartbeat,
statistics, logging at WARNING), and through the bare limit (`bare.py`), in turns, on a server of its own. Prints
medians and their ratio: ratios travel between machines, absolute figures do not.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from bare import BareWorker, run_calls, run_tasks

from offsider import App
from offsider.contract.edition import Edition
from offsider.worker.signals import settle_memory
from offsider.worker.worker import Worker
from support.server import Server, program

LEAST_SHARES = {"threads": 0.45, "async": 0.40}
KINDS = {"threads": ("noop", 10), "async": ("anoop", 100)}


def make_app(url: str, editions: Sequence[Edition] = ()) -> App:
    """The app that is measured."""
    app = App(url, editions=editions, namespace="bench")

    @app.job(name="noop")
    def noop(text: str, number: int, options: dict[str, str]) -> None:
        """Nothing."""

    @app.job(name="anoop")
    async def anoop(text: str, number: int, options: dict[str, str]) -> None:
        """Nothing."""

    return app


def arguments(count: int) -> Iterator[tuple[Any, ...]]:
    """What the jobs are enqueued with."""
    return (("string", number, {"mike": "bob"}) for number in range(count))


def _wait_while(busy: Callable[[], object]) -> None:
    tick = threading.Event()
    while busy():
        tick.wait(0.02)  # each look costs the interpreter that is measured


def engine(
    url: str,
    kind: str,
    jobs: int,
    editions: Sequence[Edition] = (),
    ready: Callable[[Worker], bool] = lambda _worker: True,
) -> tuple[float, float]:
    """Jobs a second and CPU µs a job of the whole engine, once it has started and is ready; in this process."""
    name, concurrency = KINDS[kind]
    app = make_app(url, editions)
    app.jobs[name].using(queue="aside").enqueue_many(arguments(jobs))
    app.jobs[name].enqueue("string", 0, {"mike": "bob"})
    worker = Worker(app, concurrency=concurrency)
    queue, bell, aside = app.keys.queue("default"), app.keys.bell("default"), app.keys.queue("aside")
    redis = app.connections.admin()
    settle_memory()  # as `offsider worker` does
    worker.start()
    inflight = app.keys.inflight(worker.capsules["default"].fetcher.owner)
    _wait_while(lambda: redis.exists(queue, inflight) or not ready(worker))
    cpu_s, started_s = time.process_time(), time.perf_counter()
    redis.pipeline().rename(aside, queue).lpush(bell, "1").execute()
    _wait_while(lambda: redis.exists(queue, inflight))
    elapsed_s, cpu_s = time.perf_counter() - started_s, time.process_time() - cpu_s
    worker.stop()
    app.close()
    return jobs / elapsed_s, cpu_s / jobs * 1e6


def bare(url: str, kind: str, jobs: int) -> tuple[float, float]:
    """The same of the bare limit."""
    name, concurrency = KINDS[kind]
    app = make_app(url)
    app.jobs[name].enqueue_many(arguments(jobs))
    worker = BareWorker(url, app.keys, "default", max(concurrency, 100))
    worker.open()
    run: Callable[..., int] = run_calls if kind == "threads" else run_tasks
    cpu_s, started_s = time.process_time(), time.perf_counter()
    count = run(worker, app.jobs[name].fn)
    elapsed_s, cpu_s = time.perf_counter() - started_s, time.process_time() - cpu_s
    if count != jobs:
        raise SystemExit(f"the bare limit ran {count:,} of {jobs:,} jobs")
    worker.close()
    app.close()
    return jobs / elapsed_s, cpu_s / jobs * 1e6


def in_a_process(url: str, what: str, kind: str, jobs: int) -> tuple[float, float]:
    """One measurement in a process of its own, so that none warms the next."""
    command = [sys.executable, __file__, "--one", what, "--kind", kind, "--url", url, "--jobs", str(jobs)]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rate, cpu_us = json.loads(out)
    return rate, cpu_us


def compare(url: str, kind: str, jobs: int, rounds: int, guard: float = 0.0) -> dict[str, Any]:
    """Medians of both, measured in turns; up to three times as many rounds while the share is under ``guard``."""
    found: dict[str, list[tuple[float, float]]] = {"engine": [], "bare": []}
    for number in range(3 * rounds):
        for what in ("engine", "bare") if number % 2 else ("bare", "engine"):
            found[what].append(in_a_process(url, what, kind, jobs))
        if number + 1 >= rounds and _summary(kind, found)["share"] >= guard:
            break
    return _summary(kind, found)


def _summary(kind: str, found: dict[str, list[tuple[float, float]]]) -> dict[str, Any]:
    rates = {what: statistics.median(rate for rate, _cpu in one) for what, one in found.items()}
    cpu = {what: statistics.median(cpu for _rate, cpu in one) for what, one in found.items()}
    return {"kind": kind, "rates": rates, "cpu_us": cpu, "share": rates["engine"] / rates["bare"]}


def main() -> int:
    """Measure and print; fails under the least share."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--guard", action="store_true", help="short; a noisy moment gets more rounds")
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument("--cores", help="pin everything to these cores, e.g. 0")
    parser.add_argument("--one", choices=("engine", "bare"), help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    given = parser.parse_args()
    kinds = given.kind or list(KINDS)
    if given.one:
        logging.disable(logging.INFO)
        measure = engine if given.one == "engine" else bare
        print(json.dumps(measure(given.url, kinds[0], given.jobs)))
        return 0
    if given.guard:
        given.jobs, given.rounds = 40_000, 3
    if given.cores:
        os.sched_setaffinity(0, {int(core) for core in given.cores.split(",")})
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), "--appendonly", "no").start()
        try:
            guards = LEAST_SHARES if given.guard else dict.fromkeys(KINDS, 0.0)
            found = [compare(server.url, kind, given.jobs, given.rounds, guards[kind]) for kind in kinds]
        finally:
            server.stop()
    _print(found, given.jobs, given.rounds)
    return 0 if all(one["share"] >= LEAST_SHARES[one["kind"]] for one in found) else 1


def _print(found: list[dict[str, Any]], jobs: int, rounds: int) -> None:
    print(f"{jobs:,} no-op jobs, one process, medians of {rounds} rounds in turns; {Path(program()).name},")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, pinned to {sorted(os.sched_getaffinity(0))}")
    print(f"{'':8} {'engine':>10} {'µs CPU':>7} {'bare limit':>11} {'µs CPU':>7} {'share':>6}")
    for one in found:
        rates, cpu = one["rates"], one["cpu_us"]
        print(
            f"{one['kind']:8} {rates['engine']:>8,.0f}/s {cpu['engine']:>7.1f} {rates['bare']:>9,.0f}/s"
            f" {cpu['bare']:>7.1f} {one['share']:>6.0%}"
        )


if __name__ == "__main__":
    raise SystemExit(main())
