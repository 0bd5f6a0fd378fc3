"""A producer with a spool, killed at one chosen step of its life, and what a successor makes of it.

Run as a program, with a folder, the path of Redis' socket, and numbers of steps: for each step it forks a producer that
kills itself there, then a successor, and prints a line of JSON. Step 0 kills nobody: its line says how many there are.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from offsider import App
from offsider.store.wire import Wire
from offsider_pro import ProEdition
from offsider_pro.spool import spools
from support.waiting import until

HERE = (
    (os, ("pwrite", "fsync", "ftruncate", "rename", "unlink")),
    (fcntl, ("flock",)),
    (Wire, ("run",)),
)


class Steps:
    """Counts what a process does, before and after each of it, and kills it at one step."""

    def __init__(self, fatal: int) -> None:
        self.fatal = fatal
        self.done = 0
        self.last = ""
        self._lock = threading.Lock()

    def step(self, name: str) -> None:
        """One more."""
        with self._lock:
            self.done += 1
            self.last = name
            if self.done == self.fatal:
                os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """Count calls from now on."""
        for owner, names in HERE:
            for name in names:
                setattr(owner, name, self._watched(name, getattr(owner, name)))

    def _watched(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            self.step(f"before {name}")
            result = function(*args, **kwargs)
            self.step(f"after {name}")
            return result

        return watched


def make_app(folder: Path, link: Path, namespace: str) -> App:
    """The app of one point."""
    spool = {"folder": str(folder / namespace), "after_s": 0.02}
    editions = [ProEdition(license="evaluation")]
    app = App(f"unix://{link}", namespace=namespace, editions=editions, pro={"spool": spool})
    app.job(name="note")(note)
    return app


def note(number: int) -> None:
    """A job that never runs here."""


def is_empty(app: App, folder: Path) -> bool:
    """Nothing is left in the spool."""
    return not [path for place in (folder / app.settings.namespace).glob("*") for path in place.iterdir()]


def produce(folder: Path, sock: Path, namespace: str, fatal: int, told: int) -> None:
    """Enqueue while Redis is away, then it is back; tell each job that was acknowledged."""
    link = folder / f"{namespace}.sock"
    app, steps = make_app(folder, link, namespace), Steps(fatal)
    job: Any = app.jobs["note"]
    steps.watch()
    for push in (
        lambda: [job.enqueue(1)],
        lambda: job.enqueue_many([(2,), (3,)]),
        lambda: [job.using(delay=1000).enqueue(4)],
        lambda: [job.enqueue(5)],
    ):
        jids = push()
        os.write(told, "".join(f"{jid}\n" for jid in jids).encode())
        steps.step("acknowledged")
    link.symlink_to(sock)
    until(lambda: is_empty(app, folder), 20, "all was delivered")
    os.write(told, f"steps {steps.done}\n".encode())


def succeed(folder: Path, sock: Path, namespace: str) -> None:
    """Deliver what the dead one has left."""
    link = folder / f"{namespace}.sock"
    if not link.exists():
        link.symlink_to(sock)
    app = make_app(folder, link, namespace)
    assert app.client
    half_made = [path for place in (folder / namespace).glob("*") for path in place.glob("*.new")]
    for path in half_made:
        path.unlink()  # swept in a minute: nothing is in it that was acknowledged
    until(lambda: is_empty(app, folder), 20, "all was delivered")


def forked(run: Callable[[], None]) -> int:
    """Run it in a child; how that ended."""
    child = os.fork()
    if child == 0:
        try:
            run()
            os._exit(0)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
    return os.waitpid(child, 0)[1]


def point(folder: Path, sock: Path, fatal: int) -> dict[str, Any]:
    """One death, and its succession."""
    namespace = f"p{fatal}"
    reading, writing = os.pipe()
    ended = forked(lambda: produce(folder, sock, namespace, fatal, writing))
    os.close(writing)
    with os.fdopen(reading) as file:
        told = file.read().split("\n")[:-1]
    after = forked(lambda: succeed(folder, sock, namespace))
    jids = [line for line in told if not line.startswith("steps")]
    steps = [int(line.split()[1]) for line in told if line.startswith("steps")]
    return {"fatal": fatal, "ended": ended, "after": after, "jids": jids, "steps": steps[0] if steps else None}


def main() -> None:
    """All points, one after the other."""
    spools.READ_TIMEOUT_S = 2.0
    folder, sock, *points = sys.argv[1:]
    for fatal in points:
        print(json.dumps(point(Path(folder), Path(sock), int(fatal))), flush=True)


if __name__ == "__main__":
    main()
