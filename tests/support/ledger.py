"""An app whose jobs write down that they ran: what was lost, what ran twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection

from offsider import App

from .waiting import until


class Ledger:
    """Jobs of one app.

    * ``note`` writes down its number, on a thread; ``anote`` the same on the loop;
    * ``hold`` waits until `release`.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self.ran: Counter[int] = Counter()
        self.holding: set[int] = set()
        self._free = threading.Event()

        @app.job(name="note", retry=False)
        def note(number: int) -> None:
            self.ran[number] += 1

        @app.job(name="anote", retry=False)
        async def anote(number: int) -> None:
            self.ran[number] += 1

        @app.job(name="hold", retry=False)
        def hold(number: int) -> None:
            self.ran[number] += 1
            self.holding.add(number)
            assert self._free.wait(60)
            self.holding.discard(number)

        self.note, self.anote, self.hold = note, anote, hold

    def release(self) -> None:
        """Let those go that hold."""
        self._free.set()

    def wait_for(self, numbers: Collection[int], timeout_s: float = 30) -> None:
        """Until each of these has run."""
        until(lambda: self.ran.keys() >= set(numbers), timeout_s, "every job has run")

    @property
    def twice(self) -> list[int]:
        """What ran more than once."""
        return [number for number, times in self.ran.items() if times > 1]
