"""What reliable fetch costs: ``hatch run reliable``.

The same jobs as `throughput`, through the free edition and through Pro with reliable fetch and nothing else that works
beside it, in turns, each in a process of its own, with its companion at work. Prints the ratio of the best of both and
the median of the ratios of neighbours, and how much memory the companion has.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import throughput

from offsider import App
from offsider.worker.signals import settle_memory
from offsider.worker.worker import Worker
from offsider_pro.edition import ProEdition
from support.server import Server
from support.waiting import until

LEAST_SHARE = 0.85
ONLY: dict[str, Any] = {"costs": False, "spool": {"enabled": False}}


def make_app(url: str, *, reliable: bool) -> App:
    """The app that is measured."""
    if not reliable:
        app = App(url, editions=[], namespace="bench")
    else:
        app = App(url, editions=[ProEdition(license="evaluation")], namespace="bench", pro=ONLY)

    @app.job(name="noop")
    def noop(text: str, number: int, options: dict[str, str]) -> None:
        """Nothing."""

    @app.job(name="anoop")
    async def anoop(text: str, number: int, options: dict[str, str]) -> None:
        """Nothing."""

    return app


def engine(url: str, kind: str, jobs: int, *, reliable: bool) -> tuple[float, float, int]:
    """Jobs a second and CPU µs a job of the worker; kB of its companion."""
    name, concurrency = throughput.KINDS[kind]
    app = make_app(url, reliable=reliable)
    app.jobs[name].using(queue="aside").enqueue_many(throughput.arguments(jobs))
    worker = Worker(app, concurrency=concurrency)
    queue, bell, aside = app.keys.queue("default"), app.keys.bell("default"), app.keys.queue("aside")
    redis = app.connections.admin()
    settle_memory()
    worker.start()
    inflight = app.keys.inflight(worker.capsules["default"].fetcher.owner)
    memory_kb = 0
    if reliable:
        guard: Any = worker.services["pro.guard"]
        until(lambda: guard.is_relieved, 60, "the companion speaks")
        memory_kb = _rss_kb(guard.pid)
    cpu_s, started_s = time.process_time(), time.perf_counter()
    redis.pipeline().rename(aside, queue).lpush(bell, "1").execute()
    _wait_while(lambda: redis.exists(queue, inflight))
    elapsed_s, cpu_s = time.perf_counter() - started_s, time.process_time() - cpu_s
    worker.stop()
    app.close()
    return jobs / elapsed_s, cpu_s / jobs * 1e6, memory_kb


def _wait_while(busy: Callable[[], object]) -> None:
    tick = threading.Event()
    while busy():
        tick.wait(0.02)  # each look costs the interpreter that is measured


def _rss_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def in_a_process(url: str, kind: str, jobs: int, *, reliable: bool) -> tuple[float, float, int]:
    """`engine` in a process of its own."""
    command = [sys.executable, __file__, "--one", str(int(reliable)), "--kind", kind, "--url", url, "--jobs", str(jobs)]
    rate, cpu_us, kb = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return rate, cpu_us, kb


def main() -> int:
    """Measure and print; fails under the least share."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--kind", choices=throughput.KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one is not None:
        logging.disable(logging.ERROR)
        print(json.dumps(engine(given.url, given.kind, given.jobs, reliable=bool(given.one))))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), "--appendonly", "no").start()
        try:
            shares = [compare(server.url, kind, given.jobs, given.rounds) for kind in throughput.KINDS]
        finally:
            server.stop()
    return 0 if min(shares) >= LEAST_SHARE else 1


def compare(url: str, kind: str, jobs: int, rounds: int) -> float:
    """Print one kind's figures; the share of the free edition's rate, best against best: noise only slows."""
    rates: dict[bool, list[float]] = {False: [], True: []}
    cpus: dict[bool, list[float]] = {False: [], True: []}
    memory = 0
    for number in range(rounds):
        for reliable in (False, True) if number % 2 else (True, False):
            rate, cpu_us, memory_kb = in_a_process(url, kind, jobs, reliable=reliable)
            rates[reliable].append(rate)
            cpus[reliable].append(cpu_us)
            memory = max(memory, memory_kb)
    share = max(rates[True]) / max(rates[False])
    neighbours = statistics.median(ours / free for ours, free in zip(rates[True], rates[False], strict=True))
    print(
        f"{kind:8} reliable over free: {share:.1%} of the jobs a second, {min(cpus[True]) / min(cpus[False]):.3f} x the"
        f" worker's CPU, best against best (median of neighbours {neighbours:.1%}); companion {memory / 1024:.0f} MB",
        flush=True,
    )
    return share


if __name__ == "__main__":
    raise SystemExit(main())
