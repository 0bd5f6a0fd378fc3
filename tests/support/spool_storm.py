"""Producers with a spool while Redis is killed and started again, and they themselves are killed.

Run as a program it is one producer: it enqueues as fast as it can, and writes the id of each job that was acknowledged
into a file of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from offsider import App
from offsider_pro import ProEdition
from offsider_pro.spool.folder import SpoolFolder

from .server import Server
from .waiting import until

TESTS = Path(__file__).parents[1]
PAUSE_S = 0.002


def make_app(url: str, folder: Path) -> App:
    """The app of all of them."""
    spool = {"folder": str(folder / "spool"), "after_s": 0.1}
    app = App(url, editions=[ProEdition(license="evaluation")], pro={"spool": spool})
    app.job(name="note")(note)
    return app


def note(producer: str, number: int) -> None:
    """A job that never runs here."""


def produce(url: str, folder: Path, name: str) -> None:
    """Until it is killed."""
    app, told, number = make_app(url, folder), os.open(folder / f"{name}.told", os.O_WRONLY | os.O_CREAT), 0
    job: Any = app.jobs["note"]
    rng = Random(name)
    while True:
        kind = rng.random()
        if kind < 0.8:
            jids, number = [job.enqueue(name, number)], number + 1
        elif kind < 0.9:
            count = rng.randrange(2, 20)
            jids, number = job.enqueue_many([(name, number + n) for n in range(count)]), number + count
        else:
            jids = [job.using(delay=100_000).enqueue(name, -1)]
        os.write(told, "".join(f"{jid}\n" for jid in jids).encode())
        threading.Event().wait(PAUSE_S)


@dataclass
class Figures:
    """What came of it."""

    outages: int = 0
    kills: int = 0
    acknowledged: int = 0
    kept: int = 0
    lost: int = 0
    twice: int = 0
    out_of_order: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Nothing was lost or put twice, and each producer's jobs are in its order."""
        return bool(self.acknowledged) and not (self.lost or self.twice or self.out_of_order)


class Storm:
    """Producers, and what is done to them."""

    def __init__(self, server: Server, folder: Path, rng: Random) -> None:
        self._server, self._folder, self._rng = server, folder, rng
        self._running: list[subprocess.Popen[bytes]] = []
        self._made = 0
        self.figures = Figures()

    def run(self, rounds: int, producers: int = 3) -> Figures:
        """So many outages, in each of which a producer is killed; then all of them are."""
        for _ in range(producers):
            self._start()
        for _ in range(rounds):
            self._round()
        for producer in self._running:
            self._kill(producer)
        self._deliver()
        self._judge()
        return self.figures

    def _start(self) -> None:
        name = f"p{self._made}"
        self._made += 1
        environment = {key: value for key, value in os.environ.items() if not key.startswith("OFFSIDER_")}
        command = [sys.executable, "-m", "support.spool_storm", self._server.url, str(self._folder), name]
        self._running.append(subprocess.Popen(command, cwd=TESTS, env={**environment, "PYTHONPATH": str(TESTS)}))
        until(lambda: (self._folder / f"{name}.told").exists(), 60, "a producer begins")

    def _round(self) -> None:
        wait = threading.Event().wait
        wait(self._rng.uniform(0.1, 0.4))
        self._server.kill()
        self.figures.outages += 1
        wait(self._rng.uniform(0.1, 0.6))
        self._kill(self._running.pop(self._rng.randrange(len(self._running))))
        self.figures.kept = max(self.figures.kept, self._folder_of_spool().depth().jobs)
        wait(self._rng.uniform(0.0, 0.3))
        self._server.start()
        wait(self._rng.uniform(0.0, 0.3))  # while the others deliver
        self._kill(self._running.pop(self._rng.randrange(len(self._running))))
        for _ in range(2):
            self._start()

    def _kill(self, producer: subprocess.Popen[bytes]) -> None:
        producer.kill()
        producer.wait()
        self.figures.kills += 1

    def _folder_of_spool(self) -> SpoolFolder:
        return SpoolFolder(self._folder / "spool", self._server.url, "{offsider}:")

    def _deliver(self) -> None:
        """Two who deliver at once, what is left of all."""
        apps = [make_app(self._server.url, self._folder) for _ in range(2)]
        for app in apps:
            assert app.client
        until(lambda: not self._folder_of_spool().files(), 60, "all was delivered")
        for app in apps:
            app.close()

    def _judge(self) -> None:
        client: Any = self._server.client()
        queue = [json.loads(one) for one in reversed(client.lrange("{offsider}:queue:default", 0, -1))]
        later = [json.loads(one) for one in client.zrange("{offsider}:schedule", 0, -1)]
        client.close()
        counts = Counter(job["jid"] for job in queue + later)
        told = {line for path in self._folder.glob("*.told") for line in path.read_text().split()}
        self.figures.acknowledged = len(told)
        self.figures.lost = len(told - counts.keys())
        self.figures.twice = sum(count > 1 for count in counts.values())
        for name in {job["args"][0] for job in queue}:
            numbers = [job["args"][1] for job in queue if job["args"][0] == name]
            if numbers != sorted(numbers):
                self.figures.out_of_order.append(name)

    def close(self) -> None:
        """End what still runs; tolerates twice."""
        for producer in self._running:
            with contextlib.suppress(ProcessLookupError):
                producer.kill()
            producer.wait()
        self._running.clear()


if __name__ == "__main__":
    produce(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
