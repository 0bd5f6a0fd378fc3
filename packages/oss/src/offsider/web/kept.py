"""Answers that took long, for the next who asks: one look at a time, and not with every page."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from .. import clock

T = TypeVar("T")


class Kept(Generic[T]):
    """The last answers for each app.

    * an answer is given again for some seconds;
    * who asks while somebody looks anew gets the one before, and waits only when there is none.

    Args:
        for_s: How long an answer is given again.
    """

    def __init__(self, for_s: float) -> None:
        self.for_s = for_s
        self._answers: WeakKeyDictionary[Any, dict[Hashable, tuple[float, T]]] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def of(self, app: Any, key: Hashable, look: Callable[[], T]) -> T:
        """The answer to a question; what ``look`` raises is the asker's.

        Args:
            app: Whom it is about.
            key: The question: there are few of them.
            look: Finds the answer.
        """
        last = self._last(app, key)
        if last is not None and (self._is_fresh(last) or self._lock.locked()):
            return last[1]
        with self._lock:
            last = self._last(app, key)
            if last is None or not self._is_fresh(last):
                last = (clock.monotonic_s(), look())
                self._answers.setdefault(app, {})[key] = last
        return last[1]

    def forget(self) -> None:
        """Look anew at the next question."""
        self._answers.clear()

    def _last(self, app: Any, key: Hashable) -> tuple[float, T] | None:
        return self._answers.get(app, {}).get(key)

    def _is_fresh(self, answer: tuple[float, T]) -> bool:
        return clock.monotonic_s() - answer[0] < self.for_s
