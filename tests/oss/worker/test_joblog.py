"""A job's lines: one at its start, one at its end, at the level that the job wants."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from offsider import App, Cancel, Retry, Snooze
from offsider.worker.worker import Worker
from support.waiting import until

Start = Callable[..., Worker]


class Lines(logging.Handler):
    """What was written about jobs."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.records.append(record)

    @property
    def texts(self) -> list[tuple[str, str]]:
        """Level and text."""
        return [(record.levelname, record.getMessage()) for record in self.records]

    def fields(self, number: int) -> dict[str, Any]:
        """The fields of one line."""
        found: dict[str, Any] = getattr(self.records[number], "fields", {})
        return found


@pytest.fixture
def lines() -> Iterator[Lines]:
    """The lines at level INFO, without those of the test's own tool."""
    handler = Lines()
    logger = logging.getLogger("offsider.job")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)


def test_a_job_has_a_line_at_its_start_and_one_at_its_end(app: App, start_worker: Start, lines: Lines) -> None:
    @app.job(name="shop.mail", queue="mail", tags=["vip"])
    def mail() -> None: ...

    start_worker(app, queues=["mail"])
    jid = mail.enqueue()
    until(lambda: len(lines.records) == 2)
    assert lines.texts == [("INFO", "start"), ("INFO", "done")]
    common = {"job": "shop.mail", "jid": jid, "queue": "mail", "tags": ["vip"]}
    assert lines.fields(0) == common
    assert 0 <= lines.fields(1).pop("elapsed_s") < 5
    assert lines.fields(1).items() >= common.items()


@pytest.mark.parametrize(
    ("result", "text"),
    [(Snooze(90), "snoozed for 90 s"), (Cancel("user deleted"), "cancelled: user deleted"), (Cancel(), "cancelled")],
)
def test_other_ends_say_what_they_are(
    app: App, start_worker: Start, lines: Lines, result: Snooze | Cancel, text: str
) -> None:
    @app.job(name="other")
    async def other() -> Snooze | Cancel:
        return result

    start_worker(app)
    other.enqueue()
    until(lambda: len(lines.records) == 2)
    assert lines.texts[1] == ("INFO", text)


@pytest.mark.parametrize(
    ("retry", "what"),
    [
        (Retry(delay=90), "retry in 90 s"),
        (0, "dead: no retries left"),
        (False, "discarded: no retries left and not kept"),
    ],
)
def test_a_failure_is_a_warning_that_says_what_comes_next(
    app: App, start_worker: Start, lines: Lines, retry: Any, what: str
) -> None:
    @app.job(name="fails", retry=retry)
    def fails() -> None:
        raise ValueError("x" * 600)

    start_worker(app)
    fails.enqueue()
    until(lambda: len(lines.records) == 2)
    assert lines.texts[1] == ("WARNING", f"failed with ValueError: {'x' * 500}; {what}")
    assert "elapsed_s" in lines.fields(1)


def test_a_stopped_job_is_a_warning(app: App, start_worker: Start, lines: Lines) -> None:
    started = threading.Event()

    @app.job(name="long")
    def long() -> None:
        started.set()
        while True:
            threading.Event().wait(0.005)

    worker = start_worker(app)
    long.enqueue()
    assert started.wait(10)
    worker.stop(0)
    assert lines.texts[1] == ("WARNING", "stopped (Shutdown), runs again")


def test_a_job_may_be_quieter_than_the_worker(app: App, start_worker: Start, lines: Lines) -> None:
    @app.job(name="quiet", log_level="WARNING", retry=0)
    def quiet(fails: bool) -> None:
        if fails:
            raise ValueError("boom")

    start_worker(app)
    quiet.enqueue(False)
    quiet.enqueue(True)
    until(lambda: lines.records)
    assert [text for _level, text in lines.texts] == ["failed with ValueError: boom; dead: no retries left"]


def test_a_job_may_be_louder_than_the_worker(app: App, start_worker: Start, lines: Lines) -> None:
    logging.getLogger("offsider.job").setLevel(logging.ERROR)
    done = threading.Event()

    @app.job(name="loud", log_level="DEBUG")
    def loud() -> None: ...

    @app.job(name="usual")
    def usual() -> None:
        done.set()

    start_worker(app, concurrency=1)
    loud.enqueue()
    usual.enqueue()
    assert done.wait(10)
    assert lines.texts == [("INFO", "start"), ("INFO", "done")]
    assert lines.fields(0)["job"] == "loud"


def test_a_level_that_nobody_knows_is_as_usual(app: App, start_worker: Start, lines: Lines, raw: Any) -> None:
    @app.job(name="odd")
    def odd() -> None: ...

    start_worker(app)
    raw.lpush(
        app.keys.queue("default"),
        b'{"queue":"default","class":"odd","args":[],"jid":"j","retry":true,"log_level":"shout"}',
    )
    raw.lpush(app.keys.bell("default"), "1")
    until(lambda: len(lines.records) == 2)
    assert lines.texts == [("INFO", "start"), ("INFO", "done")]
