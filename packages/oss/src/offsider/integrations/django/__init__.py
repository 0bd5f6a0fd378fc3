"""Django: this in INSTALLED_APPS, and ``from offsider.integrations.django import app`` where jobs are.

The app is made at its first use, of the setting ``OFFSIDER``: a dict of `App`'s keywords, or ``"module:name"`` of one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...app import App

    app: App

__all__ = ["app"]


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .project import project_app

    return project_app()
