"""The spools of an app: their depth in heartbeat and metrics, and nothing of it where it is not needed."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from offsider import App
from offsider.worker.worker import Worker
from offsider_pro.spool import delivery
from offsider_pro.spool.file import SpoolFile
from offsider_pro.spool.folder import SpoolFolder
from support.spool import note, numbers, push
from support.waiting import until

Make = Callable[..., App]


class Client:
    """A statsd client that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    def increment(self, metric: str, value: float = 1, tags: Any = None) -> None:
        self.told.append((metric, value))

    def timing(self, metric: str, value: float, tags: Any = None) -> None:
        """Not looked at here."""

    def gauge(self, metric: str, value: float, tags: Any = None) -> None:
        self.told.append((metric, value))


def test_heartbeat_and_metrics_tell_its_depth_and_what_was_delivered(
    make_spooled: Make, start_worker: Callable[..., Worker], raw: Any, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "EVERY_S", 0.1)
    client = Client()
    app = make_spooled(edition={"statsd": client})
    app.job(name="note")(note)
    folder = SpoolFolder(spool, app.connections.url, app.keys.prefix)
    folder.make()
    held = SpoolFile.make(folder.path, folder.place)
    for number in range(3):
        held.sync(held.write(push(number)))
    worker = start_worker(app)
    until(lambda: raw.hget(app.keys.process(worker.identity), "spool") == b"3", 10, "the heartbeat says so")
    until(lambda: ("sidekiq.spool.jobs", 3) in client.told, 10)
    held.close()
    until(lambda: raw.hget(app.keys.process(worker.identity), "spool") == b"0", 20)
    assert client.told.count(("sidekiq.jobs.recovered.push", 1)) == 3
    until(lambda: ("sidekiq.spool.jobs", 0) in client.told, 10)


def test_nothing_is_made_and_no_thread_runs_while_redis_answers(make_spooled: Make, spool: Path) -> None:
    app = make_spooled()
    app.job(name="note")(note).enqueue(1)
    assert not spool.exists()
    assert "offsider-spool" not in [thread.name for thread in threading.enumerate()]


def test_after_the_app_was_closed_the_next_use_goes_on(make_spooled: Make, raw: Any, spool: Path) -> None:
    app = make_spooled("redis://127.0.0.1:1/0")
    app.job(name="note")(note).enqueue(1)
    app.close()
    app.close()
    assert "offsider-spool" not in [thread.name for thread in threading.enumerate()]
    [folder] = spool.iterdir()
    assert len(list(folder.glob("*.spool"))) == 1


def test_a_spool_that_cannot_be_written_is_warned_of_at_the_first_push(
    make_spooled: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, raw: Any
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    app = make_spooled()
    with caplog.at_level(logging.WARNING, "offsider.pro"):
        app.job(name="note")(note).enqueue(1)
    line = caplog.messages[-1]
    assert "cannot be written" in line
    assert line.endswith("Set pro.spool.folder")
    assert numbers(raw) == [1]


def test_a_process_that_has_nothing_to_deliver_imports_no_delivery() -> None:
    program = (
        "import sys; from offsider import App; from offsider_pro import ProEdition;"
        "app = App('redis://127.0.0.1:1', editions=[ProEdition(license='evaluation')]); app.client;"
        "print([name for name in sys.modules if name == 'offsider_pro.spool.delivery'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_worker_of_an_app_without_a_spool_starts_and_stops(
    make_spooled: Make, start_worker: Callable[..., Worker], raw: Any, spool: Path
) -> None:
    app = make_spooled(spool={"enabled": False}, shards={"far": {"namespace": "far"}})
    worker = start_worker(app)
    until(lambda: raw.hget(app.keys.process(worker.identity), "spool") == b"0", 10)
    worker.stop()
    assert raw.smembers(app.keys.processes) == set()
    assert not spool.exists()
