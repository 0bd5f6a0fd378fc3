"""What a failing loop does: waits longer and longer, speaks now and then, and says when it is over."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

import pytest

from offsider import App, clock
from offsider.errors import RedisUnavailable
from offsider.worker.patience import LONGEST_PAUSE_S, SAY_EVERY_S, Patience
from offsider.worker.worker import Worker
from support.server import Server
from support.waiting import until

AWAY = RedisUnavailable("Redis is away")


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Clock:
    standing = Clock()
    monkeypatch.setattr(clock, "monotonic_s", standing)
    return standing


def test_the_pause_doubles_from_a_tenth_of_a_second_to_two(at: Clock) -> None:
    patience = Patience("it")
    assert [patience.note(AWAY) for _ in range(7)] == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    assert patience.note(AWAY) == LONGEST_PAUSE_S


def test_after_recovery_the_pause_begins_anew(at: Clock) -> None:
    patience = Patience("it")
    for _ in range(5):
        patience.note(AWAY)
    patience.recovered()
    assert patience.note(AWAY) == 0.1


def test_it_speaks_once_in_five_seconds(at: Clock, caplog: pytest.LogCaptureFixture) -> None:
    patience = Patience("capsule mail")
    for _ in range(100):
        patience.note(AWAY)
        at.now_s += SAY_EVERY_S / 50
    assert [record.getMessage() for record in caplog.records] == ["capsule mail: Redis is away; trying again"] * 2
    assert {record.levelno for record in caplog.records} == {logging.ERROR}


def test_an_error_that_is_none_of_redis_has_its_traceback(at: Clock, caplog: pytest.LogCaptureFixture) -> None:
    Patience("it").note(AWAY)
    Patience("it").note(ValueError("a defect"))
    assert [bool(record.exc_info) for record in caplog.records] == [False, True]


def test_recovery_is_told_once_with_the_time_it_took(at: Clock, caplog: pytest.LogCaptureFixture) -> None:
    patience = Patience("it")
    patience.recovered()
    patience.note(AWAY)
    at.now_s += 7.25
    caplog.clear()
    patience.recovered()
    patience.recovered()
    assert [record.getMessage() for record in caplog.records] == ["it: all is well again after 7.2 s"]


def test_the_length_of_an_outage_is_reported_from_its_first_failure(at: Clock) -> None:
    lengths: list[float] = []
    patience = Patience("it", lengths.append)
    for _ in range(3):
        patience.note(AWAY)
        at.now_s += 2.0
    patience.recovered()
    patience.note(AWAY)
    assert lengths == [0.0, 2.0, 4.0, 0.0]


def test_a_pause_ends_early_when_it_is_woken() -> None:
    patience = Patience("it")
    for _ in range(6):
        patience.note(AWAY)
    wake: SimpleQueue[None] = SimpleQueue()
    timer = threading.Timer(0.05, wake.put, [None])
    timer.start()
    before_s = time.monotonic()
    patience.pause(AWAY, wake)
    assert time.monotonic() - before_s < LONGEST_PAUSE_S / 2
    timer.join()


def test_to_hold_is_to_wait_whatever_happens() -> None:
    before_s = time.monotonic()
    Patience("it").hold(AWAY)
    assert time.monotonic() - before_s >= 0.1


def test_a_worker_survives_a_restart_of_redis(
    make_app: Callable[..., App], make_server: Callable[..., Server], start_worker: Callable[..., Worker]
) -> None:
    server = make_server("--appendonly", "yes", "--appendfsync", "always")
    app = make_app(server.url)
    ran: list[int] = []

    @app.job(name="note")
    def note(number: int) -> None:
        ran.append(number)

    worker = start_worker(app)
    note.enqueue(1)
    until(lambda: ran == [1])
    server.restart()
    note.enqueue(2)
    until(lambda: ran == [1, 2], 10)
    assert worker.healthy()
