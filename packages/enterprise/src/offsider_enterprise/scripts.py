"""The Lua scripts of this edition, one a file. Reads them from the package; never runs one."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from offsider.errors import EditionError
from offsider.store.scripts import Script

if TYPE_CHECKING:
    from offsider import App
    from offsider.shards import Shard

PREFIX = "enterprise_"


@cache
def all_scripts() -> tuple[Script, ...]:
    """Every script of this package; ``enterprise_`` and the file's name is its name in the app's scripts."""
    folder = files("offsider_enterprise") / "lua"
    return tuple(load(one.name.removesuffix(".lua")) for one in folder.iterdir() if one.name.endswith(".lua"))


@cache
def load(name: str) -> Script:
    """A script of this package, by its file's name without ``.lua``."""
    text = (files("offsider_enterprise") / "lua" / f"{name}.lua").read_text(encoding="utf-8")
    return Script.of(f"{PREFIX}{name}", text)


def script_of(app: App | Shard, name: str) -> Script:
    """A script of an app that has this edition.

    Raises:
        EditionError: The app was made without it.
    """
    key = f"{PREFIX}{name}"
    if key not in app.scripts:
        names = ", ".join(edition.name for edition in getattr(app, "editions", ())) or "none"
        raise EditionError(
            f"this app has the editions: {names}; 'enterprise' is needed. Make it with"
            " App(editions=[ProEdition(), EnterpriseEdition()]), or with neither editions= nor OFFSIDER_EDITIONS"
        )
    return app.scripts[key]
