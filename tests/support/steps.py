"""Resumable jobs for tests: they note each step, and stop at a gate when a test wants to look."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from offsider import App
from offsider.job.resumable import ResumableJob

from .waiting import until


class Steps:
    """A job of numbered steps: 1 to ``last``. Before the step in ``gate`` it waits until the gate is opened.

    Attributes:
        done: The numbers of the steps, in order, over all runs.
        begun: The cursors that the runs began with.
    """

    def __init__(self, last: int = 10, gate: int = 0, fails: dict[int, BaseException] | None = None) -> None:
        self.last = last
        self.gate = gate
        self.fails = fails or {}
        self.done: list[int] = []
        self.begun: list[Any] = []
        self.at_gate = threading.Event()
        self.opened = threading.Event()

    def define(self, app: App, kind: str, **options: Any) -> ResumableJob[Any, ..., Any]:
        """Register it as ``steps``, as a ``def`` or an ``async def`` job."""
        made: Any = app.job(name="steps", **options)(self._threaded() if kind == "def" else self._looped())
        return made

    def wait_at_gate(self) -> None:
        """Wait until the job is there."""
        assert self.at_gate.wait(15), f"it came to {self.done}"

    def open_when(self, true: Callable[[], object]) -> None:
        """Let the job go on as soon as something is true."""
        until(true)
        self.opened.set()

    def _threaded(self) -> Callable[..., Any]:
        def steps(cursor: int | None) -> Iterator[int]:
            self.begun.append(cursor)
            for number in range((cursor or 0) + 1, self.last + 1):
                if number == self.gate and not self.opened.is_set():
                    self.at_gate.set()
                    while not self.opened.wait(0.01):  # where an interruption arrives
                        pass
                self._step(number)
                yield number

        return steps

    def _looped(self) -> Callable[..., Any]:
        async def steps(cursor: int | None) -> AsyncIterator[int]:
            self.begun.append(cursor)
            for number in range((cursor or 0) + 1, self.last + 1):
                if number == self.gate and not self.opened.is_set():
                    self.at_gate.set()
                    while not self.opened.is_set():  # noqa: ASYNC110 - it is opened by another thread
                        await asyncio.sleep(0.01)
                self._step(number)
                yield number

        return steps

    def _step(self, number: int) -> None:
        if number in self.fails:
            raise self.fails.pop(number)
        self.done.append(number)
