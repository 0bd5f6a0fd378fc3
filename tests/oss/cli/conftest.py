"""What the commands need: settings that name the test's server, and an app with jobs on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from offsider import App, Retry


@pytest.fixture
def shop(redis_url: str, make_app: Callable[..., App], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> App:
    """An app with the jobs ``welcome`` and ``fails``; what the settings name is its server."""
    monkeypatch.setenv("OFFSIDER_REDIS_URL", redis_url)
    monkeypatch.setenv("OFFSIDER_EDITIONS", "oss")
    monkeypatch.chdir(tmp_path)
    app = make_app()

    @app.job(name="welcome", queue="mail", tags=["vip"])
    def welcome(user: int, *, locale: str = "en") -> None:
        """Nothing."""

    @app.job(name="fails", queue="low", retry=Retry(max=3, delay=3600))
    def fails(number: int) -> None:
        raise ValueError(f"no paper\nfor {number}")

    return app
