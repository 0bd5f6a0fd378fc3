"""A control group with a hard limit of memory, for processes that a test starts in it and ends; no other is touched."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from tempfile import mkdtemp

from .waiting import until

ROOT = Path("/sys/fs/cgroup")
ENTER = """
import os, sys
procs, limit, most, *words = sys.argv[1:]
with open(procs, "w") as file:
    file.write(str(os.getpid()))
with open(limit) as file:
    held = file.read().strip()
if held != most:
    sys.exit(f"the limit of {procs} is {held}, not {most}: nothing is started without it")
os.execv(sys.executable, [sys.executable, *words])
"""


class MemoryGroup:
    """One such group; by version 1 or 2 of the interface, as the system has it.

    Args:
        most_bytes: More than this all its processes together cannot have, and nothing of it is swapped.

    Raises:
        OSError: None can be made here, with the reason.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = str(most_bytes)
        first = (ROOT / "memory/memory.limit_in_bytes").exists()
        self._folder = Path(mkdtemp(prefix="offsider-test-", dir=ROOT / "memory" if first else ROOT))
        try:
            if first:
                self._limit = self._set("memory.limit_in_bytes")
                self._set("memory.memsw.limit_in_bytes", may_lack=True)
            else:
                self._limit = self._set("memory.max")
                self._set("memory.swap.max", "0", may_lack=True)
        except OSError:
            self._folder.rmdir()
            raise

    def words(self, *words: str) -> list[str]:
        """``python WORDS`` in the group: the process goes in, looks at its limit, and becomes that one then."""
        return ["-c", ENTER, str(self._folder / "cgroup.procs"), str(self._limit), self._most, *words]

    def close(self) -> None:
        """End what is left in it, which was started in it; it goes away once it is empty."""
        until(self._is_removed, 20, f"{self._folder} is empty")

    def _is_removed(self) -> bool:
        for pid in (self._folder / "cgroup.procs").read_text("ascii").split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        try:
            self._folder.rmdir()
        except OSError:
            return False
        return True

    def _set(self, name: str, value: str | None = None, *, may_lack: bool = False) -> Path:
        path = self._folder / name
        if not (may_lack and not path.exists()):
            with path.open("r+", encoding="ascii") as file:
                file.write(value or self._most)
        return path
