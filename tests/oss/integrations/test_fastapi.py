"""FastAPI: the app is there in endpoints, its connections end with the application, and jobs may run inside."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from offsider import App
from offsider.errors import ConfigError
from offsider.testing import fake

fastapi = pytest.importorskip("fastapi")
testclient = pytest.importorskip("fastapi.testclient")
from offsider.integrations.fastapi import OffsiderApp, lifespan, offsider_app


def shop(app: App, ran: threading.Event, **options: Any) -> Any:
    """A web application with one job and two endpoints."""

    @app.job(name="welcome")
    async def welcome(user: str) -> None:
        ran.set()

    web = fastapi.FastAPI(lifespan=lifespan(app, **options))

    @web.post("/def/{user}")
    def sign_up(user: str, jobs: OffsiderApp) -> dict[str, Any]:
        return {"jid": jobs.jobs["welcome"].enqueue(user)}

    @web.post("/async/{user}")
    async def asign_up(user: str, jobs: OffsiderApp) -> dict[str, Any]:
        return {"jid": await jobs.jobs["welcome"].aenqueue(user)}

    return web


@pytest.mark.parametrize("kind", ["def", "async"])
def test_endpoints_enqueue_and_the_connections_end_with_the_application(app: App, raw: Any, kind: str) -> None:
    with testclient.TestClient(shop(app, threading.Event())) as client:
        jid = client.post(f"/{kind}/Ada").json()["jid"]
        assert jid.encode() in raw.lindex(app.keys.queue("default"), 0)
        assert app._client is not None
    assert app._client is None


def test_jobs_run_inside_when_they_are_asked_to(app: App) -> None:
    ran = threading.Event()
    with testclient.TestClient(shop(app, ran, worker=True, concurrency=1)) as client:
        client.post("/async/Ada")
        assert ran.wait(20)


def test_without_a_worker_nothing_is_connected_before_it_is_needed(make_app: Callable[..., App]) -> None:
    app = make_app("redis://127.0.0.1:1/0")
    with testclient.TestClient(shop(app, threading.Event())) as client, fake(app) as jobs:
        client.post("/def/Ada")
        assert len(jobs) == 1


def test_another_lifespan_is_around_it(app: App) -> None:
    said: list[str] = []

    @asynccontextmanager
    async def outer(web: Any) -> AsyncIterator[dict[str, str]]:
        said.append("up")
        yield {"db": "here"}
        said.append(f"down {app._client is None}")

    web = fastapi.FastAPI(lifespan=lifespan(app, within=outer))

    @web.get("/")
    def look(request: fastapi.Request) -> str:
        return str(request.state.db)

    look.__annotations__["request"] = fastapi.Request
    web.get("/db")(look)
    with testclient.TestClient(web) as client:
        assert client.get("/db").json() == "here"
    assert said == ["up", "down True"]


def test_the_dependency_may_be_overridden_and_says_what_is_missing(app: App) -> None:
    web = fastapi.FastAPI()

    @web.get("/")
    def look(jobs: OffsiderApp) -> str:
        return jobs.settings.namespace

    client = testclient.TestClient(web)
    with pytest.raises(ConfigError, match="lifespan"):
        client.get("/")
    web.dependency_overrides[offsider_app] = lambda: app
    assert client.get("/").json() == "offsider"
