"""Fixtures for all tests: a real server for each test process, an app and a worker for each test."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from offsider import App
from offsider.worker.worker import Worker
from support.beside import VARIABLE, editions
from support.cluster import Cluster
from support.processes import Desk
from support.server import Server

for variable in [name for name in os.environ if name.startswith("OFFSIDER_") and not name.startswith("OFFSIDER_TEST_")]:
    del os.environ[variable]
# An app that names no edition is the free one. Tests of the others name theirs: ProEdition(license="evaluation").
os.environ["OFFSIDER_EDITIONS"] = "oss"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What the free edition is by itself is not to be seen beside others."""
    if os.environ.get(VARIABLE):
        for item in items:
            if item.get_closest_marker("alone"):
                item.add_marker(pytest.mark.skip(reason=f"{VARIABLE} puts editions into every app"))


FAST = {"lease_s": 4.0, "beat_s": 0.2, "shutdown_timeout_s": 5.0}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server | Cluster]:
    """The server of this test process; every test begins with it empty."""
    kind = Cluster if os.environ.get("OFFSIDER_TEST_SERVER") == "cluster" else Server
    one = kind(tmp_path_factory.mktemp("server"), "--appendonly", "no").start()
    yield one
    one.stop()


@pytest.fixture
def redis_url(server: Server) -> str:
    """The URL of an empty server."""
    server.empty()
    return server.url


@pytest.fixture
def raw(redis_url: str, server: Server) -> Iterator[redis.Redis]:
    """A client to look into the server with."""
    client = server.client()
    yield client
    client.close()


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Servers of the test's own, to be killed, frozen, filled."""
    made: list[Server] = []

    def make(*options: str) -> Server:
        one = Server(tmp_path / f"server{len(made)}", *options).start()
        made.append(one)
        return one

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def make_app(redis_url: str) -> Iterator[Callable[..., App]]:
    """Apps of the free edition, on the empty server, with short leases; settings by section."""
    made: list[App] = []

    def make(url: str | None = None, **settings: Any) -> App:
        worker = {**FAST, **settings.pop("worker", {})}
        if os.environ.get(VARIABLE) and "editions" not in settings:
            # What is undelivered is to be an error here, and what is counted is the free edition's.
            settings.setdefault("pro", {"spool": {"enabled": False}, "reliable_fetch": False})
        app = App(url or redis_url, editions=settings.pop("editions", editions()), worker=worker, **settings)
        made.append(app)
        return app

    yield make
    for app in made:
        app.close()


@pytest.fixture
def app(make_app: Callable[..., App]) -> App:
    """One such app."""
    return make_app()


@pytest.fixture
def start_worker() -> Iterator[Callable[..., Worker]]:
    """Workers in this process, stopped at the end of the test."""
    made: list[Worker] = []

    def start(app: App, **settings: Any) -> Worker:
        worker = Worker(app, **settings)
        made.append(worker)
        worker.start()
        return worker

    yield start
    for worker in made:
        worker.stop(1.0)


@pytest.fixture
def desk(tmp_path: Path, redis_url: str) -> Iterator[Desk]:
    """A folder where real processes of a test run, on the empty server."""
    folder = tmp_path / "desk"
    folder.mkdir()
    one = Desk(folder, redis_url)
    yield one
    one.close()


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """What a test does to our loggers ends with it."""
    names = ("offsider", "offsider.job", "offsider.worker", "offsider.client")
    before = {name: (one.level, one.handlers[:], one.propagate) for name in names if (one := logging.getLogger(name))}
    yield
    for name, (level, handlers, propagate) in before.items():
        one = logging.getLogger(name)
        one.level, one.handlers, one.propagate = level, handlers, propagate
        one.manager._clear_cache()  # type: ignore[attr-defined]
