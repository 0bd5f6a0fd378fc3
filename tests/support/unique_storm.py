"""Workers that are killed while unique jobs run, and a producer that asks for the same jobs again and again.

As a module it has the app of these workers: ``support.unique_storm:app``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from offsider import App
from offsider.api.fsck import fsck
from offsider_enterprise import EnterpriseEdition
from offsider_enterprise.unique import UniqueLocks
from offsider_pro import ProEdition

from .server import Server
from .waiting import until

TESTS = Path(__file__).parents[1]
ACCOUNTS = 40
WORKERS = 2
THREADS = 4
BODY_S = 0.02


def make(url: str) -> App:
    """The app: each account is worked on by one job at a time."""
    editions = [ProEdition(license="evaluation"), EnterpriseEdition(license="evaluation")]
    app = App(url, editions=editions, worker={"lease_s": 2.0, "beat_s": 0.2}, pro={"spool": {"enabled": False}})

    @app.job(name="sync", unique=True)
    def sync(account: int) -> None:
        who = f"{account} {os.getpid()}-{threading.get_ident()}"
        note(f"begin {who}")
        threading.Event().wait(BODY_S)
        note(f"end {who}")

    return app


def note(line: str) -> None:
    """One line, in one write."""
    with Path(os.environ["UNIQUE_STORM_SAID"]).open("ab", buffering=0) as file:
        file.write(f"{line}\n".encode())


@dataclass(frozen=True)
class Figures:
    """What came of it: kills, jobs that were accepted and that ran, and what must not be."""

    kills: int
    accepted: int
    begun: int
    lost: int
    beside: int
    locks: int
    sound: bool


class UniqueStorm:
    """One Redis, some workers, one producer.

    Args:
        server: Redis.
        folder: For the files of the workers.
        rng: Chooses whom to kill, and when.
        workers: How many processes at a time.
    """

    def __init__(self, server: Server, folder: Path, rng: Random, workers: int = WORKERS) -> None:
        self._count = workers
        self._said = folder / "said"
        self._said.touch()
        self._rng = rng
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("OFFSIDER_")},
            "PYTHONPATH": str(TESTS), "UNIQUE_STORM_URL": server.url, "UNIQUE_STORM_SAID": str(self._said),
        }  # fmt: skip
        self._folder = folder
        self._app = make(server.url)
        self._raw: Any = server.client()
        self._workers: list[subprocess.Popen[bytes]] = []
        self._accepted = 0

    def run(self, kills: int) -> Figures:
        """Kill so many workers while jobs run, then let the others end what is there."""
        for _ in range(self._count):
            self._start()
        for _ in range(kills):
            enough = self._begun() + self._rng.randrange(ACCOUNTS, 3 * ACCOUNTS)
            until(lambda enough=enough: self._push() and self._begun() > enough, 90, "jobs run")  # type: ignore[misc]
            victim = self._workers.pop(self._rng.randrange(len(self._workers)))
            victim.kill()
            victim.wait()
            self._start()
        until(self._is_idle, 90, "all that was accepted has ended")
        return self._figures(kills)

    def close(self) -> None:
        """End what still runs."""
        for worker in self._workers:
            worker.kill()
            worker.wait()
        self._raw.close()
        self._app.close()

    # -- steps ---------------------------------------------------------------------------------------------

    def _start(self) -> None:
        words = [sys.executable, "-m", "offsider", "worker", "support.unique_storm:app", "-c", str(THREADS)]
        with (self._folder / f"log{self._rng.random()}").open("wb") as out:
            made = subprocess.Popen(words, cwd=self._folder, env=self._environment, stdout=out, stderr=out)
        self._workers.append(made)

    def _push(self) -> bool:
        calls = [(account,) for account in range(ACCOUNTS)]
        self._accepted += sum(jid is not None for jid in self._app.jobs["sync"].enqueue_many(calls))
        return True

    def _begun(self) -> int:
        return self._said.read_bytes().count(b"begin")

    def _is_idle(self) -> bool:
        return not self._raw.keys("*queue:*") and not self._raw.keys("*inflight:*")

    def _figures(self, kills: int) -> Figures:
        lines = [line.split(" ") for line in self._said.read_text("utf-8").splitlines()]
        ended = Counter(account for word, account, _who in lines if word == "end")
        return Figures(
            kills, self._accepted, sum(word == "begin" for word, _account, _who in lines),
            max(0, self._accepted - sum(ended.values())), beside(lines), len(UniqueLocks(self._app)),
            fsck(self._app).clean,
        )  # fmt: skip


def beside(lines: list[list[str]]) -> int:
    """How many runs went on beside another of the same job, and ended: one that was killed never does."""
    holder: dict[str, str] = {}
    count = 0
    for word, account, who in lines:
        if word == "begin":
            holder[account] = who
        elif holder.get(account) != who:
            count += 1
    return count


if "UNIQUE_STORM_URL" in os.environ:
    app = make(os.environ["UNIQUE_STORM_URL"])
