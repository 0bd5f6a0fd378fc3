"""A worker has a companion, replaces it, and does its part while there is none."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from offsider import App
from offsider_pro.reliable import guard as room
from offsider_pro.reliable.guard import Guard
from support.waiting import until

GUARDS = "{offsider}:guards"


@pytest.fixture
def guard(make_pro: Callable[..., App]) -> Iterator[Guard]:
    one = Guard(make_pro(), "host:1:abc", os.getpid(), alone=lambda: False)
    yield one
    one.stop()
    one.leave()


def holds(raw: Any) -> bool:
    return bool((raw.zscore(GUARDS, "host:1:abc") or 0) > time.time() * 1000)


def test_where_no_companion_can_be_started_the_worker_speaks_for_itself(
    guard: Guard, raw: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(*_given: object, **_more: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(room.subprocess, "Popen", refused)
    monkeypatch.setattr(room, "FRESH_S", 0.0)
    guard.open()
    assert holds(raw)
    assert "this worker has no companion (no more processes)" in caplog.text
    raw.delete(GUARDS)
    guard.tick()
    assert holds(raw)
    assert guard.pid is None
    guard.leave()
    assert not raw.exists(GUARDS)
    guard.leave()


def test_a_companion_that_is_frozen_is_replaced(guard: Guard, raw: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    guard.open()
    first = guard.pid
    assert first is not None
    os.kill(first, signal.SIGSTOP)
    monkeypatch.setattr(room, "FRESH_S", 0.1)
    monkeypatch.setattr(room, "BOOT_S", 0.2)
    until(lambda: guard.tick() and guard.pid != first, 20)
    assert holds(raw)
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


def test_a_new_companion_is_stood_in_for_from_the_first_moment_until_it_speaks(guard: Guard, raw: Any) -> None:
    guard.open()
    until(lambda: guard.tick() and guard.is_relieved, 20)
    assert guard.pid is not None
    os.kill(guard.pid, signal.SIGKILL)
    until(lambda: guard.tick() and not guard.is_relieved, 20)
    raw.delete(GUARDS)
    guard.tick()
    assert holds(raw)


def test_before_it_is_open_nothing_is_said(guard: Guard, raw: Any) -> None:
    guard.tick()
    guard.leave()
    assert not raw.exists(GUARDS)
