"""The app of the chaos tests: jobs whose every start and end survives ``kill -9`` and is counted.

A worker process finds its Redis and its folder in the environment (`environment` makes it); the test process makes
its own app of the same jobs with `make`.
"""

from __future__ import annotations

import ctypes
import os
import resource
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offsider import App, Context, Retry, Snooze, clock
from offsider.job.context import CONTEXT

EFFECTS = "effects"
VARIABLES = (
    "URL",
    "NAMESPACE",
    "FOLDER",
    "LEASE_S",
    "BEAT_S",
    "PUSH_S",
    "READ_S",
    "CLOCK_STEP_S",
    "CURSOR_EVERY_S",
    "GUARD_S",
)


@dataclass(frozen=True, slots=True)
class Effect:
    """One line of the record.

    Attributes:
        kind: ``S`` when a body starts, ``E`` when it ends well, ``Z`` when it only snoozes, ``O`` when the job is given
            back after the death of its process.
        at_s: On the monotonic clock, which all processes of a machine share.
    """

    kind: str
    jid: str
    attempt: int
    pid: int
    at_s: float
    job: str


class Record:
    """A file that many processes add lines to; a line is whole or not there.

    Attributes:
        effects: What was read of it, oldest first.
        started: How often each job has started, by jid, as far as it was read.
        ended: The jids of jobs that have ended well, as far as it was read.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / EFFECTS
        self._out: int | None = None
        self._read_to = 0
        self.effects: list[Effect] = []
        self.started: Counter[str] = Counter()
        self.ended: set[str] = set()

    def note(self, kind: str, ctx: Context) -> None:
        """Add a line; it is the kernel's when this returns, so a killed process has written it."""
        self.write(kind, ctx.jid, ctx.attempt, ctx.name)

    def write(self, kind: str, jid: str, attempt: int, name: str) -> None:
        """The same of what is no run."""
        if self._out is None:
            self._out = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        line = f"{kind} {jid} {attempt} {os.getpid()} {time.monotonic():.6f} {name}\n"
        os.write(self._out, line.encode())

    def read(self) -> list[Effect]:
        """Read on; all lines, oldest first."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._read_to)
            news = file.read().rpartition(b"\n")[0]
        if not news:
            return self.effects
        self._read_to += len(news) + 1
        for line in news.decode("ascii").splitlines():
            effect = _effect(line.split())
            self.effects.append(effect)
            if effect.kind == "S":
                self.started[effect.jid] += 1
            elif effect.kind == "E":
                self.ended.add(effect.jid)
        return self.effects


def _effect(parts: list[str]) -> Effect:
    kind, jid, attempt, pid, at, job = parts
    return Effect(kind, jid, int(attempt), int(pid), float(at), job)


def environment(url: str, folder: Path, **settings: Any) -> dict[str, str]:
    """The environment of a process whose `app` is this one; settings as `make` takes them."""
    given = {"url": url, "folder": folder, **settings}
    return {f"CHAOS_{name.upper()}": str(value) for name, value in given.items()}


def make(
    url: str,
    folder: Path,
    *,
    namespace: str = "chaos",
    lease_s: float = 2.0,
    beat_s: float = 0.5,
    push_s: float = 10.0,
    read_s: float = 0.0,
    clock_step_s: float = 0.0,
    cursor_every_s: float = 5.0,
    guard_s: float = 0.0,
) -> App:
    """The app.

    Args:
        url: Its Redis.
        folder: Where the record lies, and the flags that jobs wait for.
        namespace, lease_s, beat_s: Settings.
        push_s: How long an enqueue tries.
        read_s: How long a fetcher of this process waits for an answer, when not as long as it is made to.
        clock_step_s: How wrong this process's clock is.
        cursor_every_s: A setting.
        guard_s: With Pro, and this setting of it; without Pro when it is 0.
    """
    if clock_step_s:
        _step_clock(clock_step_s)
    if read_s:
        from offsider.worker import fetch

        fetch.READ_TIMEOUT_S = read_s
    worker = {"lease_s": lease_s, "beat_s": beat_s, "shutdown_timeout_s": 10.0, "cursor_every_s": cursor_every_s}
    pro = {"pro": {"guard_s": guard_s, "spool": {"folder": str(folder / "spool")}}} if guard_s else {}
    redis = {"push_deadline_s": push_s}
    app = App(url, namespace=namespace, editions=_editions(guard_s), worker=worker, redis=redis, **pro)
    record = Record(folder)
    if guard_s:
        app.events.on("orphan", lambda lost, _cause: record.write("O", lost["jid"], 0, lost["class"]), by="load")
    _add_work(app, record)
    _add_waiting(app, record, folder)
    _add_poison(app, record)
    _add_steps(app, folder)
    return app


def _editions(guard_s: float) -> list[Any]:
    if not guard_s:
        return []
    from offsider_pro import ProEdition

    return [ProEdition(license="evaluation")]


def _add_work(app: App, record: Record) -> None:
    @app.job(name="work")
    def work(ms: float = 0.0, ctx: Context = CONTEXT) -> None:
        record.note("S", ctx)
        if ms:
            threading.Event().wait(ms / 1000)
        record.note("E", ctx)

    @app.job(name="awork")
    async def awork(ms: float = 0.0, ctx: Context = CONTEXT) -> None:
        import asyncio

        record.note("S", ctx)
        await asyncio.sleep(ms / 1000)
        record.note("E", ctx)

    @app.job(name="flaky", retry=Retry(max=5, delay=0.05))
    def flaky(ctx: Context = CONTEXT) -> None:
        record.note("S", ctx)
        if ctx.attempt == 0:
            raise RuntimeError("the first attempt fails")
        record.note("E", ctx)

    @app.job(name="hopeless", retry=0)
    def hopeless(ctx: Context = CONTEXT) -> None:
        record.note("S", ctx)
        raise RuntimeError("every attempt fails")

    @app.job(name="parent")
    def parent(children: int, ctx: Context = CONTEXT) -> None:
        record.note("S", ctx)
        work.enqueue_many([() for _ in range(children)])
        record.note("E", ctx)


def _add_waiting(app: App, record: Record, folder: Path) -> None:
    @app.job(name="hold")
    def hold(flag: str, ctx: Context = CONTEXT) -> None:
        record.note("S", ctx)
        while not (folder / flag).exists():
            threading.Event().wait(0.02)
        record.note("E", ctx)

    @app.job(name="snoozer")
    def snoozer(ctx: Context = CONTEXT) -> Snooze | None:
        first = not any(effect.jid == ctx.jid for effect in Record(folder).read())
        if first:
            record.note("Z", ctx)
            return Snooze(0.05)
        record.note("S", ctx)
        record.note("E", ctx)
        return None


def _add_steps(app: App, folder: Path) -> None:
    """A resumable job: each step adds a line, ``number pid monotonic``, to the file ``steps``."""

    def note(number: int) -> None:
        out = os.open(folder / "steps", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(out, f"{number} {os.getpid()} {time.monotonic():.6f}\n".encode())
        os.close(out)

    @app.job(name="steps")
    def steps(cursor: int | None, last: int, pause_ms: float = 0.0) -> Iterator[int]:
        for number in range((cursor or 0) + 1, last + 1):
            note(number)
            if pause_ms:
                threading.Event().wait(pause_ms / 1000)
            yield number

    @app.job(name="asteps")
    async def asteps(cursor: int | None, last: int, pause_ms: float = 0.0) -> AsyncIterator[int]:
        import asyncio

        for number in range((cursor or 0) + 1, last + 1):
            note(number)
            await asyncio.sleep(pause_ms / 1000)
            yield number


def _add_poison(app: App, record: Record) -> None:
    @app.job(name="poison")
    def poison(how: str, after_ms: float = 0.0, ctx: Context = CONTEXT) -> None:
        record.note("S", ctx)
        threading.Event().wait(after_ms / 1000)
        if how == "kill":
            os.kill(os.getpid(), 9)
        elif how == "segfault":
            ctypes.string_at(0)
        elif how == "exit":
            os._exit(3)
        raise AssertionError(f"{how} did not end this process")

    @app.job(name="hog")
    def hog(seconds: int, ctx: Context = CONTEXT) -> None:
        record.note("S", ctx)
        ctypes.PyDLL(None).sleep(seconds)  # a PyDLL call keeps the GIL
        record.note("E", ctx)

    @app.job(name="glutton", retry=Retry(max=1, delay=0.05))
    def glutton(ctx: Context = CONTEXT) -> None:
        record.note("S", ctx)
        if ctx.attempt == 0:
            _use_up_memory()
        record.note("E", ctx)


def _use_up_memory() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 64_000_000, hard))
    hoard = []
    try:
        while True:
            hoard.append(bytearray(8_000_000))
    finally:
        hoard.clear()
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _step_clock(seconds: float) -> None:
    """This process's wall clock is wrong from now on; durations are not touched, as with a real step."""
    now_s, now_ms = clock.now_s, clock.now_ms
    clock.now_s = lambda: now_s() + seconds
    clock.now_ms = lambda: now_ms() + round(seconds * 1000)
    clock.utc_day = lambda: time.strftime("%Y-%m-%d", time.gmtime(now_s() + seconds))


def starts(effects: Iterable[Effect]) -> dict[str, list[Effect]]:
    """The starts of each job, by jid."""
    return _by_jid(effects, "S")


def ends(effects: Iterable[Effect]) -> dict[str, list[Effect]]:
    """The good ends of each job, by jid."""
    return _by_jid(effects, "E")


def _by_jid(effects: Iterable[Effect], kind: str) -> dict[str, list[Effect]]:
    found: dict[str, list[Effect]] = {}
    for effect in effects:
        if effect.kind == kind:
            found.setdefault(effect.jid, []).append(effect)
    return found


def __getattr__(name: str) -> App:
    """``support.load:app`` is made of the environment, by the worker process that asks for it."""
    if name != "app":
        raise AttributeError(name)
    given: dict[str, Any] = {}
    for variable in VARIABLES:
        value = os.environ.get(f"CHAOS_{variable}")
        if value is not None:
            given[variable.lower()] = float(value) if variable.endswith("_S") else value
    made = globals()["app"] = make(given.pop("url"), Path(given.pop("folder")), **given)  # where others find it, too
    return made
