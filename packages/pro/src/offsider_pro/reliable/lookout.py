"""Looks at another process of this machine: whether it lives, whether it is stopped, how it has ended.

Exact on Linux; elsewhere it says less, and never something wrong.
"""

from __future__ import annotations

import contextlib
import os
import select
import struct
import sys
from typing import Any

from .cause import Cause
from .memory import Kills

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

INFO_BYTES = 64
INFO_EXIT = 1 << 3
GET_INFO = (3 << 30) | (INFO_BYTES << 16) | (0xFF << 8) | 11  # PIDFD_GET_INFO, Linux 6.13; of the dead: 6.15
EXIT_CODE_AT = 60
STOPPED = (b"T", b"t")


class Lookout:
    """One process, looked at from another one.

    Args:
        pid: The process; it lives now.
        child_of: Its child looks: it is gone when this is not the parent any more. None where a stranger looks.
    """

    def __init__(self, pid: int, *, child_of: int | None = None) -> None:
        self._pid = pid
        self._parent = child_of
        self._pidfd = _pidfd(pid)
        self._stat = _opened(f"/proc/{pid}/stat")
        self._kills = Kills(pid)
        self.fds = [] if self._pidfd is None else [self._pidfd]

    @property
    def knows_stops(self) -> bool:
        """True where the system says whether a process is stopped."""
        return self._stat is not None

    def is_gone(self) -> bool:
        """True once the process has ended."""
        if self._pidfd is not None:
            return bool(select.select([self._pidfd], [], [], 0)[0])
        if self._parent is not None:
            return os.getppid() != self._parent
        try:
            os.kill(self._pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False

    def is_stopped(self) -> bool:
        """True while it is stopped by a signal or a debugger, where the system says that."""
        fields = self._fields()
        return bool(fields) and fields[0] in STOPPED

    def note_memory(self) -> None:
        """Look how often the system has killed for want of memory; to be called again and again while it lives."""
        self._kills.note()

    def cause(self) -> Cause:
        """What it has died of; once it is gone."""
        status = self._status()
        return Cause.of_unknown(no_memory=self._kills.lately()) if status is None else self.cause_of(status)

    def cause_of(self, status: int) -> Cause:
        """The same of another process that has ended just now, by its wait status."""
        return Cause.of_status(status, no_memory=self._kills.lately())

    def _status(self) -> int | None:
        """How it has ended, as ``waitpid`` would say; None when the system does not tell it to us."""
        status = None if self._pidfd is None else _told(self._pidfd)
        if status is None:
            fields = self._fields()  # of one that its parent has not looked at yet
            status = int(fields[-1]) if fields and fields[0] == b"Z" else None
        return status

    def _fields(self) -> list[bytes]:
        """What the kernel says of it, from its state on; nothing when it is gone, or nobody says."""
        if self._stat is None:
            return []
        try:
            return os.pread(self._stat, 4096, 0).rpartition(b")")[2].split()
        except OSError:
            return []

    def close(self) -> None:
        """Let go of it."""
        for fd in (self._pidfd, self._stat):
            if fd is not None:
                with contextlib.suppress(OSError):
                    os.close(fd)
        self._pidfd = self._stat = None
        self.fds = []


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):  # not Linux, or one before 5.3
        return None


def _told(pidfd: int) -> int | None:
    if fcntl is None:
        return None
    info = bytearray(struct.pack("=Q", INFO_EXIT) + bytes(INFO_BYTES - 8))
    try:
        fcntl.ioctl(pidfd, GET_INFO, info)
    except OSError:  # an older kernel
        return None
    (mask,) = struct.unpack_from("=Q", info)
    (status,) = struct.unpack_from("=i", info, EXIT_CODE_AT)
    return int(status) if mask & INFO_EXIT else None


def _opened(path: str) -> int | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
