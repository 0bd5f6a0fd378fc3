"""Real processes in a folder of their own: started, signalled by their own pid, read line by line."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from .waiting import until

HEAD = '''
"""Jobs of a test."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

from offsider import App

app = App(editions=[])
tick = threading.Event()  # never set: a pause that an interruption ends within a moment


def say(text: str) -> None:
    """One line, in one write, into the file that the test reads."""
    with open("said", "ab", buffering=0) as file:
        file.write(f"{text}\\n".encode())


def wait_for(name: str) -> None:
    """Until a file of this name is there."""
    while not Path(name).exists():
        tick.wait(0.005)


async def await_for(name: str) -> None:
    """The same on an event loop."""
    while not Path(name).exists():
        await asyncio.sleep(0.005)
'''
FAST = {"OFFSIDER_WORKER_LEASE_S": "2", "OFFSIDER_WORKER_BEAT_S": "0.2"}


class Process:
    """One running command; its output is in a file, its jobs' words in another."""

    def __init__(self, folder: Path, words: list[str], environment: Mapping[str, str], number: int) -> None:
        self.folder = folder
        self.path = folder / f"log{number}"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("OFFSIDER_")}
        with self.path.open("wb") as out:
            self.popen = subprocess.Popen(
                [sys.executable, *words], cwd=folder, env={**clean, **environment}, stdout=out, stderr=out
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.popen.pid

    @property
    def log(self) -> str:
        """Everything it has written so far."""
        return self.path.read_text("utf-8")

    @property
    def identity(self) -> str:
        """The worker's name in the process list."""
        found = re.findall(r"worker (\S+:[0-9a-f]{12}) runs", self.log)
        assert found, self.log
        return str(found[-1])

    def logs(self, text: str, times: int = 1, timeout_s: float = 40) -> Process:
        """Wait until it has written something so often."""

        def written() -> bool:
            if self.log.count(text) >= times:
                return True
            if self.popen.poll() is not None and self.log.count(text) < times:
                raise AssertionError(f"it ended with {self.popen.returncode} before it said {text!r}:\n{self.log}")
            return False

        try:
            until(written, timeout_s, text)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log}") from None
        return self

    def tell(self, name: str) -> Process:
        """Send a signal."""
        self.popen.send_signal(signal.Signals[f"SIG{name}"])
        return self

    def end(self, timeout_s: float = 30) -> int:
        """Wait for its end; its exit code."""
        try:
            return self.popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end within {timeout_s} s:\n{self.log}") from None

    def kill(self) -> None:
        """SIGKILL, and wait; tolerates that it has ended."""
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()


class Desk:
    """A folder with a module of jobs, and the processes that were started in it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.environment = {"OFFSIDER_REDIS_URL": url, **FAST}
        self.processes: list[Process] = []

    def write(self, jobs: str, name: str = "jobs") -> None:
        """The module of jobs: a few helpers, then these."""
        (self.folder / f"{name}.py").write_text(f"{HEAD.lstrip()}\n\n{jobs}", "utf-8")

    def run(self, *words: str, **environment: str) -> Process:
        """``python WORDS``."""
        made = Process(self.folder, list(words), {**self.environment, **environment}, len(self.processes))
        self.processes.append(made)
        return made

    def offsider(self, *words: str, **environment: str) -> Process:
        """``python -m offsider WORDS``."""
        return self.run("-m", "offsider", *words, **environment)

    def worker(self, *words: str, **environment: str) -> Process:
        """``python -m offsider worker jobs:app WORDS``, up and running."""
        return self.offsider("worker", "jobs:app", *words, **environment).logs(" runs default (")

    @property
    def said(self) -> list[str]:
        """What jobs have said."""
        path = self.folder / "said"
        return path.read_text("utf-8").splitlines() if path.exists() else []

    def hears(self, *lines: str, timeout_s: float = 40) -> None:
        """Wait until all these lines were said."""
        try:
            until(lambda: set(lines) <= set(self.said), timeout_s, f"the jobs say {lines}")
        except AssertionError as error:
            logs = "\n".join(one.log for one in self.processes)
            raise AssertionError(f"{error}; they said {self.said}\n{logs}") from None

    def touch(self, name: str) -> None:
        """Make a file that a job waits for."""
        (self.folder / name).touch()

    def close(self) -> None:
        """End what still runs."""
        for process in self.processes:
            process.kill()
