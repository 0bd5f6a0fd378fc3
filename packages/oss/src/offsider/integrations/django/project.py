"""The one app of a Django project: made of its settings, and at home in its database."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from ...app import App
from ...errors import ConfigError, shown
from .connections import LINK, CloseConnections
from .transactions import deferral

SETTING = "OFFSIDER"
OURS = ("app", "database", "outbox")  # keys that are no keywords of App
_EXPECTED = f"expected {SETTING} = {{…}} with keywords of App, or {SETTING} = 'module:name' of an App"

_lock = threading.RLock()
_made: list[App] = []


def project_app() -> App:
    """The app, made when it is first asked for.

    Raises:
        ConfigError: The setting ``OFFSIDER`` is neither keywords nor the name of an app.
    """
    with _lock:
        if not _made:
            _made.append(_adopted(_make(getattr(settings, SETTING, {}))))
        return _made[0]


def _make(given: Any) -> App:
    if isinstance(given, App):
        return given
    if isinstance(given, Mapping):
        keywords = {name: value for name, value in given.items() if name not in OURS}
        return _make(given["app"]) if "app" in given else App(**keywords)
    if not isinstance(given, str):
        raise ConfigError(f"the setting {SETTING} is {shown(given)}: {_EXPECTED}")
    module, _, name = given.partition(":")
    found = getattr(importlib.import_module(module), name or "app", None)
    if not isinstance(found, App):
        raise ConfigError(f"the setting {SETTING} is {given!r}, where no App is: {_EXPECTED}")
    return found


def _adopted(app: App) -> App:
    """The app, with connections that are closed around jobs, and pushes that wait for a commit."""
    app.server_middleware.add(LINK, CloseConnections(), by="Django", first=True)
    app.deferrals.add("django", deferral(app), by="Django")
    return app
