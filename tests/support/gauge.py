"""Counts bodies that run at once."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self


class Gauge:
    """How many are inside now, the most there ever were, and how many have left; used by threads and loops alike."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = 0
        self.most = 0
        self.left = 0

    def __enter__(self) -> Self:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        with self._lock:
            self.now -= 1
            self.left += 1
