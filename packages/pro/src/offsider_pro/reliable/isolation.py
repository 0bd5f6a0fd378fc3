"""The worker's side of processes of their own: starts an isolator when there is a suspect, and hears how it ended.

The isolator (`offsider_pro.reliable.isolator`) imports the app once and forks for each job; where that is not safe,
there is another one that has not imported it, and each that is forked from it does.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
import socket
import subprocess
import threading
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from offsider.contract.work import Settlement, UnitOfWork
from offsider.job.outcome import Kind

from .cause import Cause
from .guard import python_words
from .target import Target, target_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from offsider import App

log = logging.getLogger("offsider.pro")

RUN = "from offsider_pro.reliable.isolator import main; main()"
BOOT_S = 120.0
END_S = 1.0
FINAL = frozenset(("done", "dead"))


@dataclass(frozen=True, slots=True)
class End:
    """How a run has ended.

    Attributes:
        settlement: What becomes of the job; None when its process has not said it.
        failed: As `offsider.worker.execution.Execution.failed`.
        kind: How it ended, where the settlement does not say all of it.
        cause: What its process has died of; None when that was not the job's doing.
        trace: Where in the code it died, where that is known.
        why: Why there was no process for it.
    """

    settlement: Settlement | None = None
    failed: bool | None = None
    kind: Kind | None = None
    cause: Cause | None = None
    trace: str = ""
    why: str = ""

    @property
    def is_final(self) -> bool:
        """True when the job does not run again."""
        return self.settlement is not None and self.settlement.kind in FINAL


def _nobody(_words: dict[str, Any]) -> None:
    """No isolator has it yet."""


class Run:
    """One job in a process of its own.

    Args:
        number: Its own among all of a worker.
        unit: The job.
        owner: Who holds it.
        name: Of the job.
    """

    def __init__(self, number: int, unit: UnitOfWork, owner: str, name: str) -> None:
        self.number = number
        self.unit = unit
        self.owner = owner
        self.name = name
        self.end = End(why="it has not ended")
        self.tell: Callable[[dict[str, Any]], None] = _nobody
        self._over = threading.Event()

    @property
    def is_begun(self) -> bool:
        """True once an isolator was told of it."""
        return self.tell is not _nobody

    @property
    def is_over(self) -> bool:
        """True once it has ended."""
        return self._over.is_set()

    def wait(self, seconds: float) -> bool:
        """Until it has ended (True), or the time is over."""
        return self._over.wait(seconds)

    def finish(self, end: End) -> None:
        """It has ended so; the first word counts."""
        if not self._over.is_set():
            self.end = end
            self._over.set()

    def cancel(self) -> None:
        """Somebody has asked to end the job."""
        self.tell({"do": "cancel", "run": self.number})

    def quiet(self) -> None:
        """The worker fetches no more: a resumable job may end at its next yield."""
        self.tell({"do": "quiet", "run": self.number})

    def stop(self, timeout_s: float) -> None:
        """End its process: it may hand the job back in that time. Afterwards it is gone."""
        if not self.is_begun:
            self.finish(End(why="it was stopped before its process began"))
        self.tell({"do": "stop", "run": self.number})
        if not self._over.wait(timeout_s):
            self.tell({"do": "kill", "run": self.number})
            self._over.wait(timeout_s)

    def request(self) -> dict[str, Any]:
        """What the isolator is told."""
        payload = base64.b64encode(self.unit.payload).decode()
        return {
            "do": "run",
            "run": self.number,
            "name": self.name,
            "owner": self.owner,
            "field": self.unit.field,
            "queue": self.unit.queue,
            "payload": payload,
        }


class Isolation:
    """Where the suspects of one worker run.

    Args:
        app: Whose jobs.
        wanted: False where the settings say that none is to run alone.
    """

    def __init__(self, app: App, *, wanted: bool = True) -> None:
        self._app = app
        self._wanted = wanted
        self._lock = threading.Lock()
        self._target: Target | None = None
        self._looked = False
        self._refused: set[str] = set()
        self._number = 0
        self._forks_apps = app.settings.pro.alone_by_fork  # type: ignore[attr-defined]
        self._isolators: set[Isolator] = set()
        self._current: Isolator | None = None

    def is_possible(self, name: str | None = None) -> bool:
        """Whether jobs can run alone here, or this job can."""
        if not self._looked:
            self._looked = True
            self._target = target_of(self._app) if self._wanted else None
            if self._wanted and self._target is None:
                log.warning(
                    "suspects cannot run alone here: this app is in no module that another process could import."
                    " Make it at the top level of a module; until then deaths are counted as in the free edition"
                )
        return self._target is not None and name not in self._refused

    def run(self, unit: UnitOfWork, owner: str, name: str) -> Run:
        """Begin to run a job in a process of its own."""
        with self._lock:
            self._number += 1
            run = Run(self._number, unit, owner, name)
            isolator = self._current
            if isolator is None or not isolator.take(run):
                self._start(run)
        return run

    def close(self) -> None:
        """End what runs."""
        with self._lock:
            isolators, self._current = list(self._isolators), None
        for isolator in isolators:
            isolator.close()

    def _start(self, run: Run) -> None:
        if self._target is None:  # it was refused meanwhile
            run.finish(End(why="it cannot run alone here"))
            return
        try:
            isolator = self._current = Isolator(self, self._order(self._target))
        except (OSError, ValueError) as error:
            run.finish(End(why=str(error)))
            return
        self._isolators.add(isolator)
        isolator.take(run)
        isolator.start()

    def _order(self, target: Target) -> dict[str, Any]:
        settings: Any = self._app.settings
        return {
            **asdict(target),
            "namespace": self._app.keys.namespace,
            "url": self._app.connections.url,
            "fork": self._forks_apps,
            "log_level": settings.worker.log_level,
            "log_format": settings.worker.log_format,
        }

    # -- what isolators say --------------------------------------------------------------------------------

    def gone(self, isolator: Isolator) -> None:
        """It has ended."""
        with self._lock:
            self._isolators.discard(isolator)
            if self._current is isolator:
                self._current = None

    def unfit(self, isolator: Isolator, runs: list[Run]) -> None:
        """What has imported the app cannot fork: from now on what is forked imports it. These are left over."""
        with self._lock:
            self._forks_apps = False
            if self._current is isolator:
                self._current = None
            for run in runs:
                if self._current is None or not self._current.take(run):
                    self._start(run)

    def refuse(self, name: str, why: str) -> None:
        """A job cannot run alone, by its name; all when there is none."""
        if name:
            self._refused.add(name)
        else:
            self._target = None
        what = f"jobs {name!r}" if name else "suspects"
        log.error("%s cannot run alone here, and run in company: %s", what, why)


class Isolator:
    """One such process, and a thread that hears it.

    Args:
        isolation: Who is told of its end.
        order: What it is told first.

    Raises:
        OSError: It cannot be started.
    """

    def __init__(self, isolation: Isolation, order: dict[str, Any]) -> None:
        self._isolation = isolation
        self._lock = threading.Lock()
        self._speaking = threading.Lock()
        self._runs: dict[int, Run] = {}
        self._waiting: list[Run] = []
        self._ready = self._ended = False
        ours, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                python_words(RUN), stdin=theirs.fileno(), stdout=subprocess.DEVNULL, start_new_session=True
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._socket = ours
        self._post = Connection(os.dup(ours.fileno()))
        self._tell(order)

    def start(self) -> None:
        """Begin to hear it."""
        threading.Thread(target=self._hear, name="offsider-isolator", daemon=True).start()

    def take(self, run: Run) -> bool:
        """Run this job; False when it takes no more."""
        with self._lock:
            if self._ended:
                return False
            if self._ready:
                self._send(run)
            else:
                self._waiting.append(run)
            return True

    def close(self) -> None:
        """End it, and what it runs."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # a thread reads it: a close would not end that
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_S)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _send(self, run: Run) -> None:
        run.tell = self._tell
        self._runs[run.number] = run
        self._tell(run.request())
        if run.is_over:  # it was stopped in this moment, by one who did not see yet that it has begun
            run.tell({"do": "kill", "run": run.number})

    def _tell(self, words: dict[str, Any]) -> None:
        with self._speaking, contextlib.suppress(OSError):  # it is gone: that is heard, too
            self._post.send_bytes(json.dumps(words).encode())

    # -- what it says ----------------------------------------------------------------------------------------

    def _hear(self) -> None:
        try:
            if not self._post.poll(BOOT_S):
                self._process.kill()
            while True:
                self._heard(json.loads(self._post.recv_bytes()))
        except (EOFError, OSError):
            self._lost()

    def _heard(self, words: dict[str, Any]) -> None:
        if "forks" in words:
            self._begin(bool(words["forks"]))
        else:
            if "refused" in words:
                self._isolation.refuse("", words["refused"])
            with self._lock:
                run = self._runs.pop(words.get("run", 0), None)
            if run is not None:
                if "unknown" in words:
                    self._isolation.refuse(run.name, words["unknown"])
                run.finish(_end(run, words))

    def _begin(self, forks: bool) -> None:
        with self._lock:
            self._ready, self._ended = forks, not forks
            waiting, self._waiting = [run for run in self._waiting if not run.is_over], []
            if forks:
                for run in waiting:
                    self._send(run)
        if not forks:
            self._isolation.unfit(self, waiting)
            self.close()  # the threads of the app may not let it end

    def _lost(self) -> None:
        """It has ended: by itself, or with the job that it ran."""
        code = self._process.wait()
        with self._lock:
            self._ended = True
            left, self._runs = list(self._runs.values()), {}
            waiting, self._waiting = self._waiting, []
        self._isolation.gone(self)
        self._post.close()
        self._socket.close()
        status = -code if code < 0 else code << 8
        for run in left:
            run.finish(End(why=f"its isolator was lost ({Cause.of_status(status)})"))
        for run in waiting:
            run.finish(End(why=f"its isolator ended before it was ready ({Cause.of_status(status)})"))


def _end(run: Run, words: dict[str, Any]) -> End:
    """What the isolator has said of a run's end."""
    if "kind" in words:
        payload = words.get("payload")
        settlement = Settlement(
            run.unit, words["kind"], float(words["delay_s"]), None if payload is None else base64.b64decode(payload)
        )
        return End(settlement, failed=words["failed"], kind=Kind(words["ended"]) if words["ended"] else None)
    if "status" in words:
        cause = Cause.of_status(int(words["status"]), no_memory=bool(words.get("no_memory")))
        return End(cause=cause, trace=str(words.get("trace", ""))[:5000])
    return End(why=str(words.get("unknown") or words.get("refused") or words.get("why")))
