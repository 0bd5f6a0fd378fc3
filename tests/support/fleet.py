"""Worker processes for chaos tests: real ``python -m offsider worker``, ended by their own pids and never by name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

import redis

from offsider import App
from offsider.store.keys import Keys

from . import load
from .waiting import until

TESTS = Path(__file__).parents[1]
BOOT_S = 30.0


class WorkerProcess:
    """One process."""

    def __init__(self, fleet: Fleet, number: int, environment: dict[str, str], options: list[str]) -> None:
        self._fleet = fleet
        self.log = fleet.folder / f"worker{number}.log"
        command = [sys.executable, "-m", "offsider", "worker", "support.load:app", *options]
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                command, env=environment, cwd=fleet.folder, stdout=out, stderr=subprocess.STDOUT
            )

    @property
    def pid(self) -> int:
        """Its pid."""
        return self.process.pid

    @property
    def alive(self) -> bool:
        """False once it has ended."""
        return self.process.poll() is None

    def owner(self) -> str | None:
        """Its owner in Redis; None while it has no lease."""
        owners = self._fleet.raw.zrange(self._fleet.keys.owners, 0, -1)
        return next((one.decode() for one in owners if f":{self.pid}:" in one.decode()), None)

    def in_flight(self) -> int:
        """How many jobs Redis holds for it."""
        owner = self.owner()
        return 0 if owner is None else self._fleet.raw.hlen(self._fleet.keys.inflight(owner))

    def ready(self) -> WorkerProcess:
        """Wait until it has a lease, and has told of itself: before that a Redis that goes away ends its start."""
        until(lambda: not self.alive or (self.owner() and self._is_listed()), BOOT_S, "a worker has started")
        assert self.alive, f"the worker has ended: {self.output()}"
        return self

    def _is_listed(self) -> bool:
        return any(f":{self.pid}:".encode() in one for one in self._fleet.raw.smembers(self._fleet.keys.processes))

    def kill(self) -> float:
        """``kill -9``; returns when, on the monotonic clock."""
        at_s = time.monotonic()
        self.process.kill()
        self.process.wait()
        return at_s

    def freeze(self) -> None:
        """SIGSTOP."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def terminate(self) -> None:
        """SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self, timeout_s: float = 30.0) -> int:
        """Its exit code."""
        return self.process.wait(timeout_s)

    def output(self) -> str:
        """What it has logged, the end of it."""
        return self.log.read_text("utf-8", "replace")[-4000:]


class Fleet:
    """The workers of one test and its app in the test process, on one Redis, namespace and folder.

    Args:
        url: Where the test process finds Redis.
        folder: An empty one.
        settings: As `load.make` takes them; they hold for all processes.
    """

    def __init__(self, url: str, folder: Path, **settings: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.url = url
        self.folder = folder
        self.settings = settings
        self.lease_s: float = settings.setdefault("lease_s", 2.0)
        self.workers: list[WorkerProcess] = []
        self.app: App = load.make(url, folder, **{**settings, "clock_step_s": 0.0, "read_s": 0.0})
        self.keys: Keys = self.app.keys
        self.raw = redis.Redis.from_url(url, socket_timeout=30)
        self.record = load.Record(folder)

    def start(self, *options: str, url: str | None = None, **settings: Any) -> WorkerProcess:
        """Start a worker.

        Args:
            options: Of the command, e.g. ``"-c", "4"``.
            url: Its Redis, when it is another way to it than the test's.
            settings: Over the fleet's.
        """
        environment = self.environment(url or self.url, **settings)
        worker = WorkerProcess(self, len(self.workers) + 1, environment, ["--log-level", "WARNING", *options])
        self.workers.append(worker)
        return worker

    def environment(self, url: str, **settings: Any) -> dict[str, str]:
        """The environment of a process that imports ``support.load:app``."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("OFFSIDER_")}
        chaos = load.environment(url, self.folder, **{**self.settings, **settings})
        path = os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH"))))
        return {**inherited, **chaos, "PYTHONPATH": path, "OFFSIDER_EDITIONS": "oss"}

    def enqueue(self, job: str, *args: Any, **options: Any) -> str:
        """Enqueue a job by name; its jid."""
        jid = self.app.jobs[job].using(**options).enqueue(*args)
        assert jid is not None
        return jid

    def enqueue_many(self, job: str, calls: list[tuple[Any, ...]]) -> list[str]:
        """Enqueue many calls of one job; their jids."""
        return [str(jid) for jid in self.app.jobs[job].enqueue_many(calls)]

    def end_leases(self) -> None:
        """End the leases of workers that have ended: nobody has to wait for them in a test of something else."""
        pids = {f":{one.pid}:" for one in self.workers if not one.alive}
        for owner in self.raw.zrange(self.keys.owners, 0, -1):
            if any(pid in owner.decode() for pid in pids):
                self.raw.zadd(self.keys.owners, {owner: 1}, xx=True)

    def flag(self, name: str) -> None:
        """Let the jobs go that wait for a flag."""
        (self.folder / name).touch()

    def started(self, jid: str) -> int:
        """How often a job has started."""
        self.record.read()
        return self.record.started[jid]

    def ended(self, jids: Collection[str]) -> bool:
        """True when each of these jobs has ended well at least once."""
        self.record.read()
        return self.record.ended.issuperset(jids)

    def idle(self) -> bool:
        """True when nothing waits in the queue and nothing is in flight."""
        keys = self.keys
        if self.raw.llen(keys.queue("default")) or self.raw.zcard(keys.schedule) or self.raw.zcard(keys.retry):
            return False
        return not any(self.raw.exists(keys.inflight(one.decode())) for one in self.raw.zrange(keys.owners, 0, -1))

    def logs(self) -> str:
        """The ends of all workers' logs, for an assertion's message."""
        return "\n".join(f"--- {one.log.name}\n{text}" for one in self.workers if (text := one.output().strip()))

    def stop(self, timeout_s: float = 30.0) -> list[int]:
        """TERM to all that live; their exit codes."""
        living = [one for one in self.workers if one.alive]
        for one in living:
            one.thaw()
            one.ready().terminate()  # before it listens to signals, TERM is just its end
        return [one.wait(timeout_s) for one in living]

    def close(self) -> None:
        """End everything; tolerates twice."""
        for one in self.workers:
            if one.alive:
                one.kill()
        self.app.close()
        self.raw.close()
