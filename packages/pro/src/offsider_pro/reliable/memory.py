"""Whether the system has killed for want of memory, and how much memory a process has. Only reads what it tells."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from offsider import clock

CGROUPS = Path("/sys/fs/cgroup")
PROC = Path("/proc")
WINDOW_S = 5.0  # a process of many gigabytes has ended only seconds after it was killed


class Kills:
    """What the kernel has killed for want of memory in the control group of one process: in its container, say.

    Only where a process is in none is it the count of the whole machine, which knows of strangers, too.

    Args:
        pid: The process; it lives now.
    """

    def __init__(self, pid: int) -> None:
        self._path = next((path for path in _counters(pid) if _count(path) is not None), None)
        self._count = self._read()
        self._rose_s: float | None = None

    def note(self) -> None:
        """Look at it; to be called again and again while the process lives."""
        count = self._read()
        if count > self._count:
            self._rose_s = clock.monotonic_s()
        self._count = count

    def lately(self) -> bool:
        """Whether it has killed one within a few seconds."""
        self.note()
        return self._rose_s is not None and clock.monotonic_s() - self._rose_s < WINDOW_S

    def _read(self) -> int:
        return 0 if self._path is None else _count(self._path) or 0


def rss_bytes(pid: int) -> int:
    """How much memory a process has; 0 when it is ending, or gone, or the system does not tell."""
    try:
        return int((PROC / str(pid) / "statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _counters(pid: int) -> Iterator[Path]:
    """Where the count may be, the nearest first."""
    first, second = CGROUPS / "memory", CGROUPS
    with contextlib.suppress(OSError):
        for line in (PROC / str(pid) / "cgroup").read_text("utf-8").splitlines():
            _number, controllers, path = line.split(":", 2)
            if not controllers:
                yield second / path.lstrip("/") / "memory.events"
            elif "memory" in controllers.split(","):
                yield first / path.lstrip("/") / "memory.oom_control"
    # In a container that has its own group only, and names it as the host does.
    yield second / "memory.events"
    yield first / "memory.oom_control"
    yield PROC / "vmstat"


def _count(path: Path) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        for line in path.read_text("ascii").splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return None
