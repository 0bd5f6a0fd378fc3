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
    """``(kind, path, version)`` of every folder and every ``.py`` file below a folder, in order.

    A name that is no text cannot be a job's argument, JSON being text: it is left out.
    """
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if _is_ours(name))
        yield "folder", folder, Path(folder).stat().st_mtime_ns
        for name in sorted(filter(_is_text, files)):
            path = Path(folder) / name
            if name.endswith(".py") and path.is_file():
                yield "file", str(path), path.stat().st_mtime_ns


def _is_ours(folder: str) -> bool:
    return folder not in SKIPPED and not folder.startswith(".") and _is_text(folder)


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
