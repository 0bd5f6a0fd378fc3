"""The one shape of a background loop: it starts once, survives every error, and stops at once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from queue import SimpleQueue

import pytest

from offsider import App
from offsider.errors import RedisUnavailable
from offsider.worker.service import PeriodicService
from offsider.worker.worker import Worker


class Ticker(PeriodicService):
    """Ticks with what the test has prepared: an error, or the seconds to the next tick."""

    name = "ticker"

    def __init__(self, *ticks: float | Exception) -> None:
        super().__init__()
        self.ticks = list(ticks)
        self.ticked: SimpleQueue[str] = SimpleQueue()

    def tick(self) -> float:
        """The next of the prepared ones; the last one again and again."""
        self.ticked.put(threading.current_thread().name)
        one = self.ticks.pop(0) if len(self.ticks) > 1 else self.ticks[0]
        if isinstance(one, Exception):
            raise one
        return one


@pytest.fixture
def made() -> Iterator[list[PeriodicService]]:
    services: list[PeriodicService] = []
    yield services
    for service in services:
        service.stop()


def started(made: list[PeriodicService], *ticks: float | Exception) -> Ticker:
    ticker = Ticker(*ticks)
    made.append(ticker)
    ticker.start()
    return ticker


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "offsider-ticker"]


def test_it_ticks_again_and_again_on_a_thread_with_its_name(made: list[PeriodicService]) -> None:
    ticker = started(made, 0.001)
    assert {ticker.ticked.get(timeout=5) for _ in range(5)} == {"offsider-ticker"}


def test_it_waits_as_long_as_a_tick_says(made: list[PeriodicService]) -> None:
    ticker = started(made, 0.15, 600)
    ticker.ticked.get(timeout=5)
    before_s = time.monotonic()
    ticker.ticked.get(timeout=5)
    assert time.monotonic() - before_s > 0.1


def test_it_starts_once(made: list[PeriodicService]) -> None:
    ticker = started(made, 600)
    ticker.start()
    assert len(threads()) == 1


def test_it_stops_at_once_whatever_it_waits_for(made: list[PeriodicService]) -> None:
    ticker = started(made, 600)
    ticker.ticked.get(timeout=5)
    before_s = time.monotonic()
    ticker.stop()
    assert time.monotonic() - before_s < 2
    assert (threads(), ticker.stopping) == ([], True)


def test_stop_tolerates_not_started_and_twice(made: list[PeriodicService]) -> None:
    Ticker(600).stop()
    ticker = started(made, 600)
    ticker.stop()
    ticker.stop()
    assert threads() == []


def test_an_error_of_redis_is_waited_out_and_its_end_is_told(
    made: list[PeriodicService], caplog: pytest.LogCaptureFixture
) -> None:
    ticker = started(made, RedisUnavailable("away"), RedisUnavailable("away"), 0.001)
    for _ in range(4):
        ticker.ticked.get(timeout=5)
    ticker.stop()
    texts = [record.getMessage() for record in caplog.records]
    assert texts[0] == "ticker: away; trying again"
    assert texts[1].startswith("ticker: all is well again after")
    assert len(texts) == 2


def test_any_other_error_is_logged_with_its_traceback_and_it_goes_on(
    made: list[PeriodicService], caplog: pytest.LogCaptureFixture
) -> None:
    ticker = started(made, KeyError("a defect"), 0.001)
    for _ in range(3):
        ticker.ticked.get(timeout=5)
    (record,) = (record for record in caplog.records if record.levelno >= logging.ERROR)
    assert record.getMessage() == "the service ticker failed; it goes on"
    assert record.exc_info is not None


def test_errors_while_it_stops_are_no_news(made: list[PeriodicService], caplog: pytest.LogCaptureFixture) -> None:
    class Stopping(Ticker):
        def tick(self) -> float:
            super().tick()
            self._stop.wait(5)
            raise RedisUnavailable("the connection was dropped")

    one = Stopping(600)
    made.append(one)
    one.start()
    one.ticked.get(timeout=5)
    one.stop()
    assert caplog.records == []


def test_a_service_without_a_tick_cannot_be_made_and_says_what_is_missing() -> None:
    class Idle(PeriodicService):
        """Defines nothing."""

    with pytest.raises(TypeError, match=r"abstract class Idle .*tick"):
        Idle()  # type: ignore[abstract]


class Noting:
    """A service that says when it starts and when it stops."""

    def __init__(self, name: str, told: list[str]) -> None:
        self._name = name
        self._told = told

    def start(self) -> None:
        """Say so."""
        self._told.append(f"start {self._name}")

    def stop(self, timeout_s: float = 0) -> None:
        """Say so."""
        self._told.append(f"stop {self._name}")


def test_services_stop_in_the_reverse_order_of_their_start(app: App) -> None:
    told: list[str] = []
    worker = Worker(app)
    for name in ("a", "b"):
        worker.services.add(name, Noting(name, told), by="the test")
    worker.start()
    worker.stop(1)
    assert told == ["start a", "start b", "stop b", "stop a"]
