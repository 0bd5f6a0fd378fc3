"""Single keys from a terminal, without Enter; nothing where there is none."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class Keyboard:
    """Waits for a key.

    Args:
        fd: The terminal's file; None when there is none.
    """

    def __init__(self, fd: int | None) -> None:
        self._fd = fd

    def pressed(self, timeout_s: float) -> str:
        """The key that is pressed within this time; empty when none is. The end of the input is ``q``."""
        ready, _, _ = select.select([] if self._fd is None else [self._fd], [], [], timeout_s)
        if not ready or self._fd is None:
            return ""
        return os.read(self._fd, 1).decode("utf-8", "replace") or "q"


@contextmanager
def keyboard() -> Iterator[Keyboard]:
    """The keyboard of this terminal, for as long as this lasts; afterwards the terminal is as it was."""
    try:
        import termios
        import tty
    except ImportError:  # not on this system: Ctrl-C is left
        yield Keyboard(None)
        return
    if not sys.stdin.isatty():
        yield Keyboard(None)
        return
    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    try:
        tty.setcbreak(fd)
        yield Keyboard(fd)
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
