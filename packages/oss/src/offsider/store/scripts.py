"""The Lua scripts, one a file. Reads them from the package; never runs one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Script:
    """One script and the digest under which Redis knows it."""

    name: str
    text: str
    sha: str

    @classmethod
    def of(cls, name: str, text: str) -> Script:
        """A script of any text: editions bring their own."""
        return cls(name, text, hashlib.sha1(text.encode("utf-8"), usedforsecurity=False).hexdigest())


@cache
def all_scripts() -> tuple[Script, ...]:
    """Every script of this package."""
    folder = files("offsider.store") / "lua"
    return tuple(load(one.name.removesuffix(".lua")) for one in folder.iterdir() if one.name.endswith(".lua"))


@cache
def load(name: str) -> Script:
    """A script of this package, by its file's name without ``.lua``."""
    text = (files("offsider.store") / "lua" / f"{name}.lua").read_text(encoding="utf-8")
    return Script.of(name, text)
