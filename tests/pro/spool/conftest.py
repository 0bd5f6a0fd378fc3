"""Fixtures for the spool: apps whose Redis goes away and comes back, and a folder of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from offsider import App
from offsider_pro.config import SpoolSettings
from support.server import Server

Make = Callable[..., App]


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """The folder of all spools of the test."""
    return tmp_path / "spool"


@pytest.fixture
def make_spooled(make_pro: Make, spool: Path) -> Make:
    """Apps with a spool there; a push is tried for a moment only. ``spool`` are further settings of it."""

    def make(url: str | None = None, **settings: Any) -> App:
        mine = {"folder": str(spool), "after_s": 0.2, **settings.pop("spool", {})}
        return make_pro(url, pro={"spool": mine}, **settings)

    return make


@pytest.fixture
def durable(make_server: Callable[..., Server]) -> Server:
    """A server that keeps what it has acknowledged, to be killed and started again."""
    return make_server("--appendonly", "yes", "--appendfsync", "always")


@pytest.fixture
def settings() -> SpoolSettings:
    """The defaults."""
    return SpoolSettings()
