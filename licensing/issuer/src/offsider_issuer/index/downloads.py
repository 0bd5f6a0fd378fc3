"""One line of JSON a download: who has fetched what, when, from where."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from ..errors import FolderError
from ..folder import PRIVATE_FILE
from ..records import License, Package


class Downloads:
    """The file of downloads. It is opened for each line, so that it may be rotated at any time."""

    def __init__(self, path: Path, now_s: Callable[[], float]) -> None:
        self._path = path
        self._now_s = now_s

    def note(self, license: License, package: Package, address: str) -> None:
        """Write a line. It is written before the file is on its way to the customer: no line, no file.

        Raises:
            FolderError: It cannot be written.
        """
        at = datetime.fromtimestamp(self._now_s(), UTC).isoformat(timespec="seconds")
        said = {
            "at": at, "key_id": license.key_id, "license": license.license_id, "address": address, "file": package.file
        }  # fmt: skip
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
            try:
                os.write(descriptor, f"{json.dumps(said)}\n".encode())
            finally:
                os.close(descriptor)
        except OSError as error:
            raise FolderError(f"{self._path} cannot be written: {error.strerror or error}") from None
