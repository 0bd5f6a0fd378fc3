"""Flask: jobs have the application's context, in every kind of run, and a command runs them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from offsider import App
from offsider.errors import ConfigError
from support.waiting import until

flask = pytest.importorskip("flask")
from offsider.integrations.flask import Offsider

SHOP = """
from pathlib import Path
from flask import Flask, current_app
from offsider import App
from offsider.integrations.flask import Offsider

jobs = App(editions=[])
extension = Offsider(jobs)

@jobs.job
def look() -> None:
    Path("said").write_text(current_app.config["WHO"])

def create_app():
    web = Flask("shop")
    web.config["WHO"] = "the shop"
    extension.init_app(web)
    return web
"""


def test_def_and_async_def_jobs_have_the_context(app: App) -> None:
    web = flask.Flask("shop")
    extension = Offsider(app, web)

    @app.job
    def look() -> str:
        return str(flask.current_app.name)

    @app.job
    async def alook() -> str:
        await asyncio.sleep(0)
        return str(flask.current_app.name)

    async def main() -> str:
        return await alook.inline()

    assert look.inline() == "shop"
    assert asyncio.run(main()) == "shop"
    assert not flask.has_app_context()
    assert web.extensions["offsider"] is extension


def test_an_app_is_made_of_flasks_settings(redis_url: str) -> None:
    web = flask.Flask("shop")
    web.config["OFFSIDER"] = {"url": redis_url, "namespace": "flask", "editions": []}
    extension = Offsider()
    with pytest.raises(ConfigError, match="init_app"):
        _ = extension.app
    extension.init_app(web)
    assert extension.app.settings.namespace == "flask"
    first = extension.app
    extension.init_app(flask.Flask("second"))
    assert extension.app is first

    @first.job
    def look() -> str:
        return str(flask.current_app.name)

    assert look.inline() == "second"


def test_what_is_missing_is_told(app: App) -> None:
    Offsider(app)

    @app.job
    def look() -> None: ...

    with pytest.raises(ConfigError, match="flask offsider worker"):
        look.inline()
    with pytest.raises(ConfigError, match="the Flask application comes second"):
        Offsider(flask.Flask("shop"))


def test_the_command_runs_jobs_within_the_application(
    tmp_path: Path, redis_url: str, make_app: Callable[..., App], raw: Any
) -> None:
    (tmp_path / "shop.py").write_text(SHOP, "utf-8")
    app = make_app()

    @app.job(name="shop.look")
    def look() -> None: ...

    look.using(queue="low").enqueue()
    command = [sys.executable, "-m", "flask", "--app", "shop", "offsider", "worker", "-q", "low", "-c", "2"]
    environment = {**os.environ, "OFFSIDER_REDIS_URL": redis_url, "PYTHONUNBUFFERED": "1"}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
    try:
        said = tmp_path / "said"
        until(lambda: (said.exists() and said.read_text()) or process.poll() is not None, 40)
        assert said.exists(), (tmp_path / "log").read_text()
        assert said.read_text() == "the shop"
        process.terminate()
        assert process.wait(30) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert "has stopped" in (tmp_path / "log").read_text()
