"""The signal of a simulated death."""

from __future__ import annotations


class Crash(BaseException):
    """The simulated death of a process: nothing after it has happened, nobody has caught it."""
