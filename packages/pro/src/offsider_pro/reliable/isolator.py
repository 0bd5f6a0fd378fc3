"""A process that has imported the app and waits for suspects: it forks for each, and says how that one has ended.

It has one thread: what is forked from it is as sound as a fresh process. Where the app's own import has started threads
it does not fork, and runs one job itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import gc
import importlib
import json
import logging
import os
import signal
import sys
import threading
from collections import deque
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Any

from offsider import App, clock
from offsider.worker.logs import configure

from .alone import run_alone
from .cause import MEMORY
from .lookout import Lookout

log = logging.getLogger("offsider.pro")

MOST_AT_ONCE = 10  # the others wait: a worker of tasks may hold a thousand suspects
LOOK_S = 0.02
IDLE_LOOK_S = 0.5
IDLE_S = 30.0
FROZEN_S = 1.0
PR_SET_PDEATHSIG = 1
SIGNALS = {"cancel": "SIGUSR1", "quiet": "SIGUSR2", "stop": "SIGTERM", "kill": "SIGKILL"}
MOST_TRACE = 5000
LINGER_S = 10.0  # for a process that has said how its job ended, and does not end itself
DEAF_TO = ("SIGTERM", "SIGINT", "SIGHUP", "SIGTSTP", "SIGUSR1", "SIGUSR2")


@dataclass(slots=True)
class Child:
    """A process of one job.

    Attributes:
        run: The number of the run.
        pid: The process.
        out: Where it writes how it has ended.
        trace: Where it writes where it crashes.
        said_s: When it has said how its job ended.
    """

    run: int
    pid: int
    out: IO[bytes]
    trace: IO[bytes]
    said_s: float | None = None


class Isolator:
    """Forks for each job that it is told.

    Args:
        post: To the worker and from it.
        app: The app.
        worker: The worker's process.
    """

    def __init__(self, post: Connection, app: App, worker: int) -> None:
        self._post = post
        self._app = app
        self._lookout = Lookout(worker, child_of=worker)
        self._children: dict[int, Child] = {}
        self._line: deque[dict[str, Any]] = deque()
        self._busy_s = self._awake_s = clock.monotonic_s()

    def serve(self) -> None:
        """Until there is nothing to do for a while, or nobody to do it for."""
        try:
            while not self._is_over():
                if self._post.poll(LOOK_S if self._children else IDLE_LOOK_S):
                    self._obey(json.loads(self._post.recv_bytes()))
                self._reap()
                while self._line and len(self._children) < MOST_AT_ONCE:
                    self._fork(self._line.popleft())
        except (EOFError, OSError):
            return  # the worker is gone, or needs us no more
        finally:
            self._kill_all()

    def _is_over(self) -> bool:
        now_s = clock.monotonic_s()
        if self._lookout.is_gone():
            return True
        self._lookout.note_memory()
        if not self._lookout.is_stopped():
            self._awake_s = now_s
        if self._children or self._line:
            self._busy_s = now_s
        # A worker that is frozen loses its jobs: what ran on here would run beside its second run.
        return now_s - self._awake_s > FROZEN_S or now_s - self._busy_s > IDLE_S

    def _obey(self, words: dict[str, Any]) -> None:
        if words["do"] != "run":
            self._pass_on(words["do"], words["run"])
        elif words["name"] not in self._app.jobs:
            self._say(
                run=words["run"], unknown=f"no job is registered under {words['name']!r} when the app is imported"
            )
        else:
            self._line.append(words)

    def _pass_on(self, order: str, run: int) -> None:
        for child in [one for one in self._children.values() if one.run == run]:
            os.kill(child.pid, getattr(signal, SIGNALS[order]))
        if order in ("stop", "kill") and any(one["run"] == run for one in self._line):
            self._line = deque(one for one in self._line if one["run"] != run)
            self._say(run=run, why="it was stopped before its process began")

    def _fork(self, words: dict[str, Any]) -> None:
        out, trace = (os.fdopen(os.memfd_create(name), "w+b") for name in ("end", "trace"))
        mine = os.getpid()
        pid = os.fork()
        if pid:
            self._children[pid] = Child(words["run"], pid, out, trace)
            return
        self._children, self._line = {}, deque()  # those are the isolator's: this process ends by its `finally`, too
        self._post.close()
        self._lookout.close()
        _die_with(mine)
        faulthandler.enable(trace)
        end = attempted(self._app, words)
        out.write(json.dumps(end).encode() + b"\n")
        out.flush()
        raise SystemExit(0)  # as a program ends: what it has registered for that is done

    def _reap(self) -> None:
        for child in list(self._children.values()):
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if child.said_s is None and (said := _said(child)) is not None:
                child.said_s = clock.monotonic_s()
                self._say(run=child.run, **said)
            if pid:
                del self._children[pid]
                with child.out, child.trace:
                    if child.said_s is None:
                        self._say(run=child.run, **self._death_of(child, status))
            elif child.said_s is not None and clock.monotonic_s() - child.said_s > LINGER_S:
                os.kill(child.pid, signal.SIGKILL)

    def _death_of(self, child: Child, status: int) -> dict[str, Any]:
        child.trace.seek(0)
        trace = guilty(child.trace.read().decode("utf-8", "replace"))
        cause = self._lookout.cause_of(status)
        return {"status": status, "no_memory": cause.kind == MEMORY, "trace": trace}

    def _kill_all(self) -> None:
        for child in self._children.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
            os.waitpid(child.pid, 0)
            with contextlib.suppress(OSError):
                self._say(run=child.run, why="its worker was frozen, or is gone")

    def _say(self, **words: Any) -> None:
        self._post.send_bytes(json.dumps(words).encode())


def guilty(trace: str) -> str:
    r"""Of what the interpreter writes when it crashes: the error, and the stack of the thread that had it.

    Example:
        >>> print(guilty("Fatal: Aborted\n\nThread 0x2:\n  a\n\nCurrent thread 0x1:\n  b\n"))
        Fatal: Aborted
        Current thread 0x1:
          b
    """
    blocks = trace.strip().split("\n\n")
    kept = [one for k, one in enumerate(blocks) if k == 0 or one.startswith("Current thread")]
    return "\n".join(kept)[:MOST_TRACE]


def _said(child: Child) -> dict[str, Any] | None:
    """How its job has ended, once all of that is written."""
    if not os.fstat(child.out.fileno()).st_size:
        return None
    child.out.seek(0)
    said = child.out.read()
    if not said.endswith(b"\n"):
        return None
    found: dict[str, Any] = json.loads(said)
    return found


def attempted(app: App, words: dict[str, Any]) -> dict[str, Any]:
    """What became of the job; that it could not begin, without Redis for example, is not its fault."""
    try:
        return run_alone(app, words)
    except Exception as error:
        log.exception("a process of its own for job %s could not begin", words["name"])
        return {"why": f"{type(error).__name__}: {error}"}


def _die_with(isolator: int) -> None:
    """This process ends when the isolator does, and is the first to be killed when memory runs out."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != isolator:
            os._exit(1)
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000", "ascii")


def _import(order: dict[str, Any]) -> App:
    """The app, as this process has it.

    Raises:
        LookupError: It is not the worker's.
    """
    found = getattr(importlib.import_module(order["module"]), order["name"], None)
    if not isinstance(found, App):
        raise LookupError(f"{order['module']}:{order['name']} is no app when it is imported in another process")
    for module in order["modules"]:
        importlib.import_module(module)
    for shard, settings in found.settings.shards.items():
        if settings.namespace == order["namespace"] != found.keys.namespace:
            found.serve(shard)
            break
    if (found.keys.namespace, found.connections.url) != (order["namespace"], order["url"]):
        raise LookupError(f"{order['module']}:{order['name']} has another Redis when it is imported in another process")
    return found


def _forks() -> bool:
    """True where a fork of this process is sound: it has one thread, and the system is Linux."""
    try:
        return sum(1 for _ in Path("/proc/self/task").iterdir()) == 1 and threading.active_count() == 1
    except OSError:
        return False


def main() -> None:
    """The process: its standard input is the way to the worker."""
    for name in DEAF_TO:
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    worker = os.getppid()
    post = Connection(os.dup(0))
    with contextlib.suppress(EOFError, OSError):
        order = json.loads(post.recv_bytes())
        configure(order["log_level"], order["log_format"])
        try:
            app = _import(order)
        except BaseException as error:
            log.debug("the app cannot be imported to run suspects alone", exc_info=error)
            post.send_bytes(json.dumps({"refused": f"{type(error).__name__}: {error}"}).encode())
            return
        forks = order["fork"] and _forks()
        post.send_bytes(json.dumps({"forks": forks}).encode())
        if forks:
            gc.collect()
            gc.freeze()
            Isolator(post, app, worker).serve()
        else:
            words = json.loads(post.recv_bytes())
            faulthandler.enable()
            post.send_bytes(json.dumps({"run": words["run"], **attempted(app, words)}).encode())


if __name__ == "__main__":
    main()
