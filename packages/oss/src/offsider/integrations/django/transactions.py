"""Inside of a Django transaction a push waits for its commit, or goes into the outbox when that is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections

from ...job.push import Deferral, Later, PushRequest
from .commits import at_commit

if TYPE_CHECKING:
    from ...app import App

OUTBOX = "offsider.integrations.django.outbox"


def database() -> str:
    """The alias of the database whose transactions count: ``database`` of the setting ``OFFSIDER``."""
    return str(_ours("database", DEFAULT_DB_ALIAS))


def uses_outbox() -> bool:
    """True when the outbox is installed. ``"outbox": False`` stops new rows; workers bring the rest over."""
    return apps.is_installed(OUTBOX) and bool(_ours("outbox", True))


def _ours(name: str, default: Any) -> Any:
    given = getattr(settings, "OFFSIDER", {})
    return given.get(name, default) if isinstance(given, Mapping) else default


def deferral(app: App) -> Deferral:
    """What an app asks at each push."""

    def deferred() -> Later | None:
        alias = database()
        if not connections[alias].in_atomic_block:
            return None
        return partial(_written, app, alias) if uses_outbox() else partial(at_commit, app, alias)

    return deferred


def _written(app: App, alias: str, requests: Sequence[PushRequest]) -> None:
    from .outbox.table import write

    write(app, alias, requests)
