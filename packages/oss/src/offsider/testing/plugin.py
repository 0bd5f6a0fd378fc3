"""The plug-in for pytest: the fixture ``jobs``, the marker ``offsider``. Imports an app only when a test wants one."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..app import App

MODES = ("fake", "inline")
MARKER = 'offsider(mode="fake"): what becomes of enqueued jobs: "fake" keeps them in memory, "inline" runs them at once'


def pytest_addoption(parser: pytest.Parser) -> None:
    """The setting that names the app."""
    parser.addini("offsider_app", "MODULE:APP: the app that the fixture `jobs` keeps from Redis", default="")


def pytest_configure(config: pytest.Config) -> None:
    """The marker."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture
def offsider_app(request: pytest.FixtureRequest) -> Any:
    """The app that is tested: the one that the setting ``offsider_app`` names. Define your own to choose it in code."""
    target = str(request.config.getini("offsider_app"))
    if not target:
        raise pytest.UsageError(
            'which app? Set offsider_app = "MODULE:APP" in the settings of pytest, or define a fixture offsider_app'
            " that returns it"
        )
    module, _, name = target.partition(":")
    from ..app import App

    app = getattr(importlib.import_module(module), name or "app", None)
    if not isinstance(app, App):
        raise pytest.UsageError(f"offsider_app is {target!r}, which is no App: expected MODULE:APP, e.g. shop.jobs:app")
    return app


@pytest.fixture
def jobs(request: pytest.FixtureRequest, offsider_app: App) -> Iterator[Any]:
    """The jobs that the test enqueues: `FakeJobs`, or `InlineJobs` where the marker says ``mode="inline"``."""
    with _mode(request.node.get_closest_marker("offsider"), offsider_app) as made:
        yield made


@pytest.fixture(autouse=True)
def _offsider_marker(request: pytest.FixtureRequest) -> None:
    """A test with the marker is in the mode also when it does not ask for `jobs`."""
    if request.node.get_closest_marker("offsider") is not None:
        request.getfixturevalue("jobs")


def _mode(marker: pytest.Mark | None, app: App) -> AbstractContextManager[Any]:
    from .at_once import inline
    from .memory import fake

    if marker is not None and (marker.args or not marker.kwargs.keys() <= {"mode"}):
        raise pytest.UsageError(f"the marker offsider has {marker.args} {marker.kwargs}: expected only mode=")
    mode = "fake" if marker is None else marker.kwargs.get("mode", "fake")
    if mode not in MODES:
        raise pytest.UsageError(f"the marker offsider has mode={mode!r}: expected one of {', '.join(MODES)}")
    return fake(app) if mode == "fake" else inline(app)
