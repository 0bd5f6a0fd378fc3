"""Which files and folders the demo works on. Reads names and times only."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from .results import Key

SKIPPED = frozenset({"__pycache__", "site-packages", "dist-packages", "node_modules"})


def standard_library() -> Path:
    """Where the running Python keeps its own modules."""
    return Path(sysconfig.get_paths()["stdlib"])


def find(root: Path) -> Iterator[Key]:
    """``(kind, path, version)`` of every folder and every ``.py`` file below a folder, in order."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED and not name.startswith("."))
        yield "folder", folder, Path(folder).stat().st_mtime_ns
        for name in sorted(files):
            path = Path(folder) / name
            if name.endswith(".py") and path.is_file():
                yield "file", str(path), path.stat().st_mtime_ns
