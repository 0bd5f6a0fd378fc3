"""Workers of a crontab that are killed and frozen around its instants, and their Redis, too.

As a module it has the app of these workers: ``support.cron_storm:app``.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from offsider import App
from offsider_enterprise import EnterpriseEdition
from offsider_enterprise.cron import Cron
from offsider_enterprise.keys import EnterpriseKeys
from offsider_pro import ProEdition

from .server import Server
from .waiting import until

TESTS = Path(__file__).parents[1]
ENTRIES = 20
WORKERS = 3
LEASE_S = 2.0
LATE_S = 30.0


def make(url: str) -> App:
    """The app: entries that come once a year, so that only the storm says when they are due."""
    editions = [ProEdition(license="evaluation"), EnterpriseEdition(license="evaluation")]
    app = App(url, editions=editions, enterprise={"leader_lease_s": LEASE_S, "cron_history": 1000})
    for number in range(ENTRIES):
        cron = Cron("0 0 1 1 *", window=1e9, missed=("once", "all")[number % 2])
        app.job(name=f"entry{number}", queue="cron", cron=cron)(nothing)
    return app


def nothing() -> None:
    """A job that never runs here: no worker takes from its queue."""


def __getattr__(name: str) -> Any:
    if name == "app":
        return make(os.environ["CRON_STORM_URL"])
    raise AttributeError(name)


@dataclass(frozen=True)
class Storms:
    """What came of it."""

    instants: int
    kills: int
    freezes: int
    restarts: int
    missing: list[str]
    twice: list[str]
    latest_s: float


class CronStorm:
    """Three workers on one Redis.

    Args:
        server: A Redis that keeps all it has answered.
        folder: For logs.
        rng: Whom, and when.
    """

    def __init__(self, server: Server, folder: Path, rng: Random) -> None:
        self._server = server
        self._folder = folder
        self._rng = rng
        self._app = make(server.url)
        self._keys = EnterpriseKeys(self._app.keys)
        self._counts: Counter[str] = Counter()
        self._workers: list[subprocess.Popen[bytes]] = []
        for _ in range(WORKERS):
            self._start()
        until(lambda: server.client().zcard(self._keys.cron_names) == ENTRIES, 60, "the entries are declared")

    def run(self, rounds: int) -> Storms:
        """So many instants for all entries, something happening around each."""
        instants = [self._round() for _ in range(rounds)]
        wanted = {(f"entry{k}", instant) for k in range(ENTRIES) for instant in instants}
        jobs = self._jobs()
        found = Counter((job["cron"]["name"], int(job["cron"]["at"])) for job in jobs)
        counts = self._counts
        return Storms(
            len(wanted), counts["kill"], counts["freeze"], counts["restart"],
            [f"{name} {at}" for name, at in sorted(wanted - found.keys())],
            [f"{name} {at}" for (name, at), count in found.items() if count > 1],
            round(max(job["enqueued_at"] / 1000 - job["cron"]["at"] for job in jobs), 1),
        )  # fmt: skip

    def close(self) -> None:
        """End the workers."""
        for worker in self._workers:
            worker.send_signal(signal.SIGCONT)
            worker.kill()
            worker.wait()
        self._app.close()

    # -- steps -------------------------------------------------------------------------------------------------

    def _round(self) -> int:
        client = self._server.client()
        due_s = int(client.time()[0]) + 2
        client.zadd(self._keys.cron_due, {f"entry{k}": due_s for k in range(ENTRIES)})
        threading.Event().wait(self._rng.uniform(0.0, 2.2))
        what = self._rng.choice(["kill leader", "kill", "freeze leader", "restart", "nothing"])
        thaw = self._strike(what)
        until(lambda: self._passed(due_s), LATE_S, f"all entries have gone on after: {what}")
        if thaw is not None:
            thaw.send_signal(signal.SIGCONT)
        return due_s

    def _strike(self, what: str) -> subprocess.Popen[bytes] | None:
        victim = self._leader() if "leader" in what else self._rng.choice(self._workers)
        if "kill" in what:
            self._counts["kill"] += 1
            victim.kill()
            victim.wait()
            self._workers.remove(victim)
            self._start()
        elif "freeze" in what:
            self._counts["freeze"] += 1
            victim.send_signal(signal.SIGSTOP)
            return victim
        elif what == "restart":
            self._counts["restart"] += 1
            self._server.kill()
            self._server.restart()
        return None

    def _passed(self, due_s: int) -> bool:
        scores = self._server.client().zrange(self._keys.cron_due, 0, -1, withscores=True)
        return len(scores) == ENTRIES and all(score != due_s for _name, score in scores)

    def _jobs(self) -> list[dict[str, Any]]:
        return [json.loads(one) for one in self._server.client().lrange(self._app.keys.queue("cron"), 0, -1)]

    def _leader(self) -> subprocess.Popen[bytes]:
        holder = self._server.client().hget(self._keys.leader, "holder") or b"::"
        pid = holder.split(b":")[1].decode()
        return next((one for one in self._workers if str(one.pid) == pid), self._workers[0])

    def _start(self) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("OFFSIDER_")}
        path = os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH"))))
        environment = {**inherited, "CRON_STORM_URL": self._server.url, "PYTHONPATH": path}
        log = self._folder / f"worker{self._counts['worker']}.log"
        self._counts["worker"] += 1
        command = [sys.executable, "-m", "offsider", "worker", "support.cron_storm:app", "-c", "1"]
        with log.open("wb") as out:
            self._workers.append(subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT))
