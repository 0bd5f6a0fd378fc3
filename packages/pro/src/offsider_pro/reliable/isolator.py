"""A process that waits for suspects: it forks for each, watches over it, and says how that one has ended.

It has one thread: what is forked from it is as sound as a fresh process. It has imported the app before; where that
starts threads, another isolator imports nothing, and each that is forked from it imports the app itself.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import json
import logging
import os
import signal
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from offsider import App, clock
from offsider.worker.logs import configure

from .cause import MEMORY
from .child import Child
from .forked import attempted, die_with, imported, refused
from .lookout import Lookout
from .memory import rss_bytes

log = logging.getLogger("offsider.pro")

MOST_AT_ONCE = 10  # the others wait: a worker of tasks may hold a thousand suspects
LOOK_S = 0.02
IDLE_LOOK_S = 0.5
IDLE_S = 30.0
FROZEN_S = 1.0
AT_ONCE_S = 1.0
LITTLE_BYTES = 16 << 20  # who has taken no more has not filled the memory
MEMORY_TAKEN = "its process was killed for want of memory, and it was another one that had taken it"
BOOT_S = 120.0  # for importing the app, and for what it does at its start
LINGER_S = 10.0  # for a process that has said how its job ended, and does not end itself
DEAF_TO = ("SIGTERM", "SIGINT", "SIGHUP", "SIGTSTP", "SIGUSR1", "SIGUSR2")


class Isolator:
    """Forks for each job that it is told.

    Args:
        post: To the worker and from it.
        worker: The worker's process.
        load: Gives the app; in each process that is forked.
    """

    def __init__(self, post: Connection, worker: int, load: Callable[[], App]) -> None:
        self._post = post
        self._worker = worker
        self._load = load
        self._lookout = Lookout(worker, child_of=worker)
        self._children: dict[int, Child] = {}
        self._line: deque[dict[str, Any]] = deque()
        self._taken: deque[tuple[float, int]] = deque(maxlen=MOST_AT_ONCE)  # by those that died for want of memory
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
        else:
            self._line.append(words)

    def _pass_on(self, order: str, run: int) -> None:
        for child in [one for one in self._children.values() if one.run == run]:
            child.tell(order)
        if order in ("stop", "kill") and any(one["run"] == run for one in self._line):
            self._line = deque(one for one in self._line if one["run"] != run)
            self._say(run=run, why="it was stopped before its process began")

    def _fork(self, words: dict[str, Any]) -> None:
        child, mine = Child(words["run"], rss_bytes(self._worker)), os.getpid()
        pid = os.fork()
        if pid:
            child.pid = pid
            self._children[pid] = child
            return
        self._children, self._line = {}, deque()  # those are the isolator's: this process ends by its `finally`, too
        self._post.close()
        self._lookout.close()
        die_with(mine)
        faulthandler.enable(child.trace)
        child.end(attempted(self._load, words, child.begin))
        raise SystemExit(0)  # as a program ends: what it has registered for that is done

    def _reap(self) -> None:
        dead = []
        for child in list(self._children.values()):
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if child.said_s is None and (said := child.said()) is not None:
                child.said_s = clock.monotonic_s()
                self._say(run=child.run, **said)
            if pid:
                del self._children[pid]
                dead.append((child, status, usage.ru_maxrss * 1024))
            elif self._takes_too_long(child):
                os.kill(child.pid, signal.SIGKILL)
            else:
                child.remind()
        self._bury(dead)

    def _takes_too_long(self, child: Child) -> bool:
        now_s = clock.monotonic_s()
        if child.said_s is not None:
            return now_s - child.said_s > LINGER_S
        return not child.begun_bytes and now_s - child.forked_s > BOOT_S

    def _bury(self, dead: list[tuple[Child, int, int]]) -> None:
        causes = [self._lookout.cause_of(status) for _child, status, _most in dead]
        # All that died of it at once are known before one of them is judged: who had taken most is not the first.
        for (child, _status, most_bytes), cause in zip(dead, causes, strict=True):
            if cause.kind == MEMORY and child.begun_bytes:
                self._taken.append((clock.monotonic_s(), most_bytes - child.begun_bytes))
        for (child, status, most_bytes), cause in zip(dead, causes, strict=True):
            with contextlib.closing(child):
                if child.said_s is not None:
                    continue
                if not child.begun_bytes:
                    self._say(run=child.run, why=f"its process died before the job began: {cause}")
                elif cause.kind == MEMORY and self._is_bystander(child, most_bytes - child.begun_bytes):
                    self._say(run=child.run, why=MEMORY_TAKEN)
                else:
                    no_memory = cause.kind == MEMORY
                    self._say(run=child.run, status=status, no_memory=no_memory, trace=child.crash())

    def _is_bystander(self, child: Child, taken_bytes: int) -> bool:
        """Whether a process that died for want of memory was only the first that the system could do without.

        It is the first by our own wish, so that the worker is not: whoever else takes all the memory, in company or in
        another process, has the suspects killed before himself.
        """
        if taken_bytes < LITTLE_BYTES or rss_bytes(self._worker) - child.worker_bytes > taken_bytes:
            return True
        for other in self._children.values():
            has_bytes = rss_bytes(other.pid)
            if not has_bytes:  # it is ending now, which takes long when it is large
                return True
            if other.begun_bytes and has_bytes - other.begun_bytes > taken_bytes:
                return True
        since_s = clock.monotonic_s() - AT_ONCE_S
        return any(at_s > since_s and other_bytes > taken_bytes for at_s, other_bytes in self._taken)

    def _kill_all(self) -> None:
        for child in self._children.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
            os.waitpid(child.pid, 0)
            with contextlib.suppress(OSError):
                self._say(run=child.run, why="its worker was frozen, or is gone")

    def _say(self, **words: Any) -> None:
        self._post.send_bytes(json.dumps(words).encode())


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
        forks = True
        load: Callable[[], App] = partial(imported, order)
        if order["fork"]:
            try:
                app = load()
            except BaseException as error:  # noqa: BLE001 - whatever a module does when it is imported
                post.send_bytes(json.dumps(refused(error)).encode())
                return
            forks, load = _forks(), lambda: app
        post.send_bytes(json.dumps({"forks": forks}).encode())
        if forks:
            gc.collect()
            gc.freeze()
            Isolator(post, worker, load).serve()


if __name__ == "__main__":
    main()
