"""Styles, scripts and their licences: served from memory, kept by browsers for as long as they do not change."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import Response

from ..contract.web import Assets

if TYPE_CHECKING:
    from .visit import Visit

KINDS = mimetypes.MimeTypes()  # Python's own: a machine may call a script plain text, and then no browser runs it
FOR_EVER = "private, max-age=31536000, immutable"
A_WHILE = "private, max-age=300"


class Static:
    """All files, read once.

    Args:
        assets: name → folder.
    """

    def __init__(self, assets: Mapping[str, Assets]) -> None:
        self._assets = assets
        self._files = {
            (name, str(path.relative_to(one.folder / "static"))): path.read_bytes()
            for name, one in assets.items()
            for path in sorted(Path(one.folder / "static").rglob("*"))
            if path.is_file()
        }
        self._versions = {key: hashlib.sha256(data).hexdigest()[:12] for key, data in self._files.items()}

    def path(self, file: str, name: str = "offsider") -> str:
        """Where a file is, with its version: another content is another address.

        Raises:
            KeyError: There is no such file.
        """
        return f"/assets/{name}/{file}?v={self._versions[name, file]}"

    def scripts(self) -> list[str]:
        """What editions want every page to load."""
        return [self.path(file, name) for name, one in self._assets.items() for file in one.scripts]

    def styles(self) -> list[str]:
        """The same for styles."""
        return [self.path(file, name) for name, one in self._assets.items() for file in one.styles]

    def answer(self, visit: Visit) -> Response:
        """The page of a file."""
        key = (visit.path["name"], visit.path["file"])
        if key not in self._files:
            raise LookupError(key[1])
        kind = KINDS.guess_type(key[1])[0] or "text/plain"
        cached = FOR_EVER if visit.query("v") == self._versions[key] else A_WHILE
        return Response(self._files[key], headers={"cache-control": cached}, media_type=kind)
