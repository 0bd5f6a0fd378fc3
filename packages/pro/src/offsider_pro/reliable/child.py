"""A process of one job, as its isolator has it: what it writes, when it has begun, what it is told."""

from __future__ import annotations

import json
import mmap
import os
import signal
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import IO, Any

from offsider import clock

from .memory import rss_bytes

SIGNALS = {"cancel": "SIGUSR1", "quiet": "SIGUSR2", "stop": "SIGTERM", "kill": "SIGKILL"}
MOST_TRACE = 5000
WORD_BYTES = 8


def _file(name: str) -> IO[bytes]:
    return os.fdopen(os.memfd_create(name), "w+b") if hasattr(os, "memfd_create") else TemporaryFile("w+b")


@dataclass(slots=True)
class Child:
    """Made before the fork, and shared by both sides of it.

    Attributes:
        run: The number of the run.
        worker_bytes: How much memory the worker had when it was made.
        pid: The process; 0 until it is there.
        said_s: When it has said how its job ended.
    """

    run: int
    worker_bytes: int
    pid: int = 0
    said_s: float | None = None
    forked_s: float = field(default_factory=clock.monotonic_s)
    out: IO[bytes] = field(default_factory=lambda: _file("end"))
    trace: IO[bytes] = field(default_factory=lambda: _file("trace"))
    _begun: mmap.mmap = field(default_factory=lambda: mmap.mmap(-1, mmap.PAGESIZE))
    _waiting: list[str] = field(default_factory=list)

    # -- its own side ----------------------------------------------------------------------------------------

    def begin(self) -> None:
        """It begins with the job, and obeys from here on."""
        self._begun[:WORD_BYTES] = max(1, rss_bytes(os.getpid())).to_bytes(WORD_BYTES, "little")

    def end(self, said: dict[str, Any]) -> None:
        """Its job has ended so."""
        self.out.write(json.dumps(said).encode() + b"\n")
        self.out.flush()

    # -- the isolator's side ---------------------------------------------------------------------------------

    @property
    def begun_bytes(self) -> int:
        """How much memory it had when it began with the job; 0: it has not begun."""
        return int.from_bytes(self._begun[:WORD_BYTES], "little")

    def tell(self, order: str) -> None:
        """Send it the signal; one that it would not hear yet waits until it has begun."""
        if self.begun_bytes or order == "kill":
            os.kill(self.pid, getattr(signal, SIGNALS[order]))
        else:
            self._waiting.append(order)

    def remind(self) -> None:
        """Send it what has waited for it."""
        if self._waiting and self.begun_bytes:
            waiting, self._waiting = self._waiting, []
            for order in waiting:
                self.tell(order)

    def said(self) -> dict[str, Any] | None:
        """How its job has ended, once all of that is written."""
        if not os.fstat(self.out.fileno()).st_size:
            return None
        self.out.seek(0)
        said = self.out.read()
        if not said.endswith(b"\n"):
            return None
        found: dict[str, Any] = json.loads(said)
        return found

    def crash(self) -> str:
        """Where in the code it has crashed; empty when that is not known."""
        self.trace.seek(0)
        return guilty(self.trace.read().decode("utf-8", "replace"))

    def close(self) -> None:
        """It has ended, and nothing more is to be known of it."""
        self.out.close()
        self.trace.close()
        self._begun.close()


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
