"""The Lua scripts of this edition, one a file. Reads them from the package; never runs one."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from offsider.store.scripts import Script


@cache
def all_scripts() -> tuple[Script, ...]:
    """Every script of this package; ``pro_`` and the file's name is its name in the app's scripts."""
    folder = files("offsider_pro") / "lua"
    return tuple(load(one.name.removesuffix(".lua")) for one in folder.iterdir() if one.name.endswith(".lua"))


@cache
def load(name: str) -> Script:
    """A script of this package, by its file's name without ``.lua``."""
    text = (files("offsider_pro") / "lua" / f"{name}.lua").read_text(encoding="utf-8")
    return Script.of(f"pro_{name}", text)
