"""The Lua scripts of unique jobs, one a file. Reads them from the package; never runs one."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from offsider.errors import EditionError
from offsider.store.scripts import Script

if TYPE_CHECKING:
    from offsider import App


@cache
def all_scripts() -> tuple[Script, ...]:
    """Every script of this room, under its file's name."""
    folder = files("offsider_enterprise.unique") / "lua"
    names = sorted(one.name for one in folder.iterdir() if one.name.endswith(".lua"))
    return tuple(Script.of(name.removesuffix(".lua"), (folder / name).read_text(encoding="utf-8")) for name in names)


def script_of(app: App, name: str) -> Script:
    """A script of an app that has this edition.

    Raises:
        EditionError: The app was made without it.
    """
    if name not in app.scripts:
        names = ", ".join(edition.name for edition in app.editions) or "none"
        raise EditionError(
            f"this app has the editions: {names}; 'enterprise' is needed. Make it with"
            " App(editions=[ProEdition(), EnterpriseEdition()]), or with neither editions= nor OFFSIDER_EDITIONS"
        )
    return app.scripts[name]
