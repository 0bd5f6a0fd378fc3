"""Processes that are measured: pinned, counted with their children, ended by their own pid. Never ends another's."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_PROC = Path("/proc")


class Unmeasured(Exception):
    """Why there is no figure, in one line."""


@dataclass(frozen=True)
class Stat:
    """One process as ``/proc/PID/stat`` has it."""

    pid: int
    parent: int
    session: int
    cpu_s: float
    rss_bytes: int


@contextlib.contextmanager
def pinned(cores: frozenset[int]) -> Iterator[None]:
    """What is started in the body runs on these cores; none: where it likes."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores or range(os.cpu_count() or 1))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def parse_stat(text: str) -> Stat:
    """A line of ``/proc/PID/stat``; the CPU includes that of children which were waited for."""
    pid, _, rest = text.partition(" (")
    fields = rest.rpartition(") ")[2].split()
    cpu = sum(map(int, fields[11:15]))  # user and system, its own and that of its ended children
    return Stat(int(pid), int(fields[1]), int(fields[3]), cpu / _TICKS_PER_S, int(fields[21]) * _PAGE_BYTES)


def tree(pid: int) -> list[Stat]:
    """A process that leads a session, its descendants, and whoever else is in that session."""
    found = {}
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):  # it ended meanwhile
                one = parse_stat((folder / "stat").read_text())
                found[one.pid] = one
    members = {pid}
    while True:
        more = {one.pid for one in found.values() if one.parent in members or one.session == pid} - members
        if not more:
            return [found[one] for one in members if one in found]
        members |= more


def stop(process: subprocess.Popen[bytes], grace_s: float = 10.0) -> None:
    """SIGTERM, and SIGKILL for what of the tree is there after the grace; tolerates an ended one."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace_s)
    for one in tree(process.pid):  # who outlives the leader of the session is still found by the session
        with contextlib.suppress(ProcessLookupError):
            os.kill(one.pid, signal.SIGKILL)
    process.wait()


def last_line(text: str) -> str:
    """What a program said last: in most tracebacks and installers the reason."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
