"""Notes in Redis which suspects a process runs, and how: whoever recovers it blames nobody who ran alone."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from offsider.errors import StoreError

from ..invariant import SUSPECT_KEPT_S
from ..keys import ProKeys

if TYPE_CHECKING:
    from offsider import App
    from offsider.store.wire import Argument, Wire

TIMEOUT_S = 3.0


class SuspectNotes:
    """The notes of one process; may be used by many threads.

    Args:
        app: Whose.
        identity: The process.
    """

    def __init__(self, app: App, identity: str) -> None:
        self._app = app
        self._key = ProKeys(app.keys).suspects(identity)
        self._lock = threading.Lock()
        self._wire: Wire | None = None

    def add(self, jid: str, how: str) -> None:
        """A suspect is about to run.

        Raises:
            StoreError: Redis is away or refuses.
        """
        self._ask("HSET", self._key, jid, how)
        self._ask("EXPIRE", self._key, SUSPECT_KEPT_S)

    def remove(self, jid: str) -> None:
        """It has ended. A note that stays is no harm: its job is not in flight here any more."""
        with contextlib.suppress(StoreError):
            self._ask("HDEL", self._key, jid)

    def close(self) -> None:
        """Drop the connection; the next note opens another."""
        with self._lock:
            wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    def _ask(self, *words: Argument) -> None:
        with self._lock:
            if self._wire is None:
                self._wire = self._app.connections.wire("suspects", read_timeout_s=TIMEOUT_S)
            self._wire.command(*words)
