"""Who is told of a death: the job's own hook, then the listeners; the job dies whatever they do."""

from __future__ import annotations

from typing import Any

import pytest

from offsider import App
from offsider.worker.death import announce

RECORD: dict[str, Any] = {"class": "job", "jid": "j1"}
ERROR = ValueError("boom")


def test_the_hook_is_told_first_then_the_listeners(app: App) -> None:
    told: list[tuple[str, Any, Any]] = []
    app.events.on("death", lambda record, error: told.append(("listener", record, error)))

    @app.job(name="job", on_exhausted=lambda record, error: told.append(("hook", record, error)))
    def job() -> None: ...

    announce(job, RECORD, ERROR, app.events)
    assert told == [("hook", RECORD, ERROR), ("listener", RECORD, ERROR)]


def test_a_job_that_this_process_does_not_know_is_told_to_the_listeners(app: App) -> None:
    told: list[str] = []
    app.events.on("death", lambda record, _error: told.append(record["jid"]))
    announce(None, RECORD, ERROR, app.events)
    assert told == ["j1"]


def test_a_hook_that_fails_is_logged_and_the_listeners_are_told(app: App, caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []
    app.events.on("death", lambda *_: told.append("listener"))

    @app.job(name="job", on_exhausted=lambda *_: 1 // 0)
    def job() -> None: ...

    announce(job, RECORD, ERROR, app.events)
    assert told == ["listener"]
    assert "the on_exhausted hook of job job failed; the job dies all the same" in caplog.text
