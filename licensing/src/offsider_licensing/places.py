"""Where a licence's file may be, by the customs of each system. Reads nothing."""

from __future__ import annotations

import ntpath
import posixpath
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

NAME = "offsider.license"
FOLDER = "offsider"


def files(env: Mapping[str, str], platform: str = sys.platform) -> Iterator[Path]:
    """The files to look for, the first one first: here, the user's, the system's.

    Example:
        >>> [str(one) for one in files({"HOME": "/home/ann"}, "linux")]
        ['offsider.license', '/home/ann/.config/offsider/offsider.license', '/etc/offsider/offsider.license']
    """
    yield Path(NAME)
    seen: set[Path] = set()
    for folder in _folders(env, platform):
        path = Path(folder) / FOLDER / NAME
        if path not in seen:
            seen.add(path)
            yield path


def _folders(env: Mapping[str, str], platform: str) -> Iterator[str]:
    if platform == "win32":
        for variable in ("APPDATA", "PROGRAMDATA"):
            if ntpath.isabs(env.get(variable, "")):
                yield env[variable]
        return
    if posixpath.isabs(env.get("XDG_CONFIG_HOME", "")):
        yield env["XDG_CONFIG_HOME"]
    home = env.get("HOME") or _home()
    if posixpath.isabs(home):
        yield posixpath.join(home, ".config")
        if platform == "darwin":
            yield posixpath.join(home, "Library", "Application Support")
    yield "/etc"


def _home() -> str:
    """The home of this process's user by the system's own records; empty where there is none."""
    try:
        return str(Path.home())
    except RuntimeError:
        return ""
