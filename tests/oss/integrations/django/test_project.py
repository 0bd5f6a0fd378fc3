"""A Django project has one app: made of its settings, with the jobs of its applications and their connections."""

from __future__ import annotations

import asyncio
from types import ModuleType
from typing import Any

import pytest

from offsider import App
from offsider.errors import ConfigError
from offsider.testing import fake
from support.waiting import until


def test_the_app_is_made_of_the_settings_and_jobs_are_found(app: App, jobs: ModuleType) -> None:
    import offsider.integrations.django as package

    assert package.app is app
    assert app.settings.namespace == "site"
    assert {"site.note", "django.task", "django.atask"} <= app.jobs.keys()
    with pytest.raises(AttributeError):
        _ = package.nothing


def test_what_the_setting_may_be(app: App, jobs: ModuleType) -> None:
    from offsider.integrations.django.project import _make

    assert _make("site_jobs.jobs:app") is app
    assert _make({"app": "site_jobs.jobs", "outbox": False}) is app
    assert _make(app) is app
    assert _make({"editions": [], "namespace": "x"}).settings.namespace == "x"
    for wrong in ("site_jobs.jobs:ran", 7):
        with pytest.raises(ConfigError, match="OFFSIDER"):
            _make(wrong)


def test_another_database_may_be_the_one(app: App, jobs: ModuleType) -> None:
    from django.test import override_settings

    from offsider.integrations.django.transactions import database

    assert database() == "default"
    with override_settings(OFFSIDER={"database": "other"}):
        assert database() == "other"
    with override_settings(OFFSIDER="site_jobs.jobs:app"):
        assert database() == "default"


def test_connections_are_closed_around_jobs_when_they_are_old(app: App, jobs: ModuleType) -> None:
    from django.db import connection

    open_before: list[Any] = []

    @app.job(name="look")
    def look() -> None:
        open_before.append(connection.connection)
        connection.ensure_connection()

    @app.job(name="alook")
    async def alook() -> None:
        open_before.append(connection.connection)

    with fake(app) as kept:
        connection.ensure_connection()
        for job in (look, look, alook):
            job.enqueue()
        kept.drain()
        assert open_before == [None, None, None], "CONN_MAX_AGE is 0: none is kept from job to job"
        connection.ensure_connection()
        mine = connection.connection
        look.inline()
        asyncio.run(alook.inline())
        assert connection.connection is mine, "an inline run shares its caller's"


def test_the_command_runs_the_projects_jobs(app: App, jobs: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.core.management import call_command

    given: dict[str, Any] = {}

    def run(worker: Any) -> int:
        given.update(queues=[one for plan in worker._plans for one in plan.weights], embedded=False)
        given["concurrency"] = sum(plan.concurrency for plan in worker._plans)
        worker.start()
        until(lambda: jobs.ran, 20)
        worker.stop()
        return 3

    monkeypatch.setattr("offsider.integrations.command.run", run)
    jobs.note.enqueue("by the command")
    with pytest.raises(SystemExit) as ended:
        call_command("offsider_worker", "-q", "site:2", "-c", "1", "--log-level", "ERROR")
    assert ended.value.code == 3
    assert jobs.ran == ["by the command"]
    assert (given["queues"], given["concurrency"]) == (["site"], 1)
