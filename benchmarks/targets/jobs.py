"""The app that real worker processes of the measurements run. Where Redis is comes by environment."""

from __future__ import annotations

import os
import time
from datetime import date

import redis

from offsider import App

app = App(os.environ["OFFSIDER_REDIS_URL"], namespace="bench", editions=[])
_stamps = redis.Redis.from_url(os.environ["OFFSIDER_REDIS_URL"])


@app.job(name="noop")
def noop(text: str, number: int, options: dict[str, str]) -> None:
    """Nothing."""


@app.job(name="typed")
def typed(text: str, day: date, numbers: tuple[int, ...]) -> None:
    """Nothing, with arguments that JSON has no form for."""


@app.job(name="plain")
def plain(text: str, day: str, numbers: list[int]) -> None:
    """The same with plain ones."""


@app.job(name="rest")
def rest() -> None:
    """Ten milliseconds of waiting."""
    time.sleep(0.01)


@app.job(name="stamp")
def stamp() -> None:
    """When it started, on the clock that all processes of a machine share."""
    now_ns = time.monotonic_ns()
    _stamps.rpush("stamps", now_ns)


@app.job(name="mark")
def mark(due_s: float) -> None:
    """How late it started."""
    _stamps.rpush("stamps", time.time() - due_s)
