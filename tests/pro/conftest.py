"""Fixtures for Pro: apps with the edition, and a process whose clock is wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from offsider import App, clock
from offsider.worker.worker import Worker
from offsider_pro import ProEdition
from support.bench import Bench

DAY_S = 86_400.0


@pytest.fixture
def make_pro(make_app: Callable[..., App], tmp_path: Path) -> Callable[..., App]:
    """Apps with Pro, on the empty server; ``edition`` are arguments of `ProEdition`."""

    def make(url: str | None = None, *, edition: dict[str, Any] | None = None, **settings: Any) -> App:
        pro = {"reliable_fetch": False, **settings.pop("pro", {})}  # else each worker has a process more
        settings["pro"] = {**pro, "spool": {"folder": str(tmp_path / "spool"), **pro.get("spool", {})}}
        return make_app(url, editions=[ProEdition(license="evaluation", **(edition or {}))], **settings)

    return make


@pytest.fixture
def pro(make_pro: Callable[..., App]) -> App:
    """One such app."""
    return make_pro()


@pytest.fixture
def bench(pro: App, raw: Any, start_worker: Callable[..., Worker]) -> Bench:
    """A bench for it."""
    return Bench(pro, raw, start_worker)


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[float], None]]:
    """Set the clock of this process so many seconds ahead, where this house reads it."""

    def stepped(seconds: float) -> None:
        monkeypatch.setattr(clock, "now_s", lambda: time.time() + seconds)
        monkeypatch.setattr(clock, "now_ms", lambda: round((time.time() + seconds) * 1000))

    yield stepped
    monkeypatch.undo()
