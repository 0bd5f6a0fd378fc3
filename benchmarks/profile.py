"""Where the microseconds of a job go: ``hatch run profile``.

Times each part of a job's path by itself, on batches of a hundred no-op jobs in one thread, and beside them the CPU of
the whole engine in the same run. What the parts do not explain is the price of threads, system calls and cold caches.
Never says anything about Redis' own time.
"""

from __future__ import annotations

import contextvars
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from throughput import in_a_process, make_app

from offsider.contract.work import Settlement, UnitOfWork
from offsider.job import record as records
from offsider.store import wire
from offsider.worker.signals import settle_memory
from offsider.worker.worker import Worker
from support.server import Server

BATCH = 100
ROUNDS = 300
PAYLOAD = (
    b'{"queue":"default","class":"noop","args":["string",5,{"mike":"bob"}],"jid":"b6425af382c2931901b9b054",'
    b'"retry":true,"created_at":1795548416656,"enqueued_at":1755432000124}'
)


class Stages:
    """One capsule, never started, and a batch at each stage of its way."""

    def __init__(self) -> None:
        self.app = make_app("redis://127.0.0.1:1/0")
        self.capsule = Worker(self.app).capsules["default"]
        self.fetcher: Any = self.capsule.fetcher
        self.rounds = self.capsule._rounds
        self.rounds._thread_line.clear()
        self.run = self.capsule.threads._run
        self.job = self.app.jobs["noop"]
        self.units = [UnitOfWork(f"{number}:default", "default", PAYLOAD) for number in range(BATCH)]
        self.executions = [self.rounds._prepare(unit) for unit in self.units]
        self.records = [records.loads(PAYLOAD) for _ in range(BATCH)]
        self.done = [Settlement(unit, "done", 0.0, None) for unit in self.units]

    def parts(self) -> dict[str, Callable[[], object]]:
        """What is timed, in the order of the path: each does it for a whole batch."""
        fetcher, glance = self.fetcher, self.job.arguments.glance
        reply, names = [0, 8, [PAYLOAD] * BATCH], ["default"]
        words = ("EVALSHA", "0" * 40, 9, *fetcher._fixed_keys, *fetcher._arguments(self.done, BATCH, 1, names))
        pack = wire.pack_command or (lambda given: given)
        return {
            "reply to units": lambda: fetcher._units(reply, names, 1),
            "JSON and its checks": lambda: [records.glance(unit.payload) for unit in self.units],
            "arguments": lambda: [glance(record["args"]) for record in self.records],
            "execution, with the two above": lambda: [self.rounds._prepare(unit) for unit in self.units],
            "in hand, and out again": self._hand,
            "body, bare": lambda: [self.job.fn(*one.args) for one in self.executions],
            "context, middleware, body, settlement": self._run,
            "taking over and measuring what has ended": self._settle,
            "acknowledgement as words": lambda: fetcher._arguments(self.done, BATCH, 1, names),
            "packed": lambda: pack(words),
        }

    def _hand(self) -> None:
        hand = self.rounds.hand
        hand.take(self.executions, wake=0)
        while self.rounds._thread_line:
            self.rounds._thread_line.popleft()
        hand.drop(self.executions)

    def _run(self) -> None:
        copy, run = contextvars.copy_context, self.run
        for execution in self.executions:
            copy().run(run, execution)

    def _settle(self) -> None:
        for execution, settlement in zip(self.executions, self.done, strict=True):
            self.capsule._settled_on_thread(execution, settlement)
        self.rounds.drain()
        self.rounds._unsent.clear()


def timed_us(call: Callable[[], object]) -> float:
    """Microseconds a job, the median of many batches."""
    found = []
    for _ in range(ROUNDS):
        before_s = time.perf_counter()
        call()
        found.append((time.perf_counter() - before_s) / BATCH * 1e6)
    return statistics.median(found)


def main() -> int:
    """Measure and print."""
    logging.disable(logging.INFO)
    path = Stages()
    settle_memory()
    print("µs of CPU a job, medians")
    summed = 0.0
    for name, call in path.parts().items():
        part_us = timed_us(call)
        explained = name not in ("JSON and its checks", "arguments", "body, bare")  # those are inside of others
        summed += part_us if explained else 0.0
        print(f"  {name:42} {part_us:6.2f}{'' if explained else '  (inside of a later line)'}")
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), "--appendonly", "no").start()
        try:
            whole = {
                what: statistics.median(in_a_process(server.url, what, "threads", 100_000)[1] for _ in range(5))
                for what in ("engine", "bare")
            }
        finally:
            server.stop()
    print(f"  {'all parts':42} {summed:6.2f}")
    print(f"  {'the whole engine on ten threads':42} {whole['engine']:6.2f}")
    print(f"  {'the bare limit':42} {whole['bare']:6.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
