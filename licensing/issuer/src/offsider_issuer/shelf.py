"""The packages of the index: published once, never changed, found by name."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import astuple, replace
from datetime import date
from pathlib import Path

from .database import change
from .errors import PublishError
from .folder import Folder
from .records import Package
from .terms import PROJECTS, day_of
from .wheel import Wheel, read

FOR_SALE = frozenset(project for bought in PROJECTS.values() for project in bought)

_COLUMNS = "file, project, version, sha256, metadata_sha256, bytes, requires_python, built, published_s"
_SELECT = f"SELECT {_COLUMNS} FROM packages"  # noqa: S608 - our own column names


class Shelf:
    """What can be bought.

    Duties: takes wheels of the projects for sale and no other, under each name one content for ever, with the day
    they were built. What it says it has, lies in the folder of packages.
    """

    def __init__(self, connection: sqlite3.Connection, folder: Folder, now_s: Callable[[], float]) -> None:
        self._db = connection
        self._folder = folder
        self._now_s = now_s

    def publish(self, path: Path) -> Package:
        """Take a wheel. The same file once more is fine.

        The day it was built is the one stamped into it; without a stamp it is today.

        Raises:
            PublishError: It is no wheel, not for sale, or another file has this name.
        """
        package, wheel = self._described(path)
        there = self.file(package.file)
        if there is not None:
            if there.sha256 == package.sha256:
                return there
            raise PublishError(f"{path.name} is published with another content: raise the version and build again")
        # The files are there before the row: what the index lists can be fetched.
        self._put(package.file, wheel.content)
        self._put(f"{package.file}.metadata", wheel.metadata)
        with change(self._db, package.published_s, "publish", f"{package.file} built {package.built}"):
            row = astuple(replace(package, built=package.built.isoformat()))  # type: ignore[arg-type]
            self._db.execute("INSERT INTO packages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        return package

    def file(self, name: str) -> Package | None:
        """A package by its file's name."""
        row = self._db.execute(f"{_SELECT} WHERE file = ?", (name,)).fetchone()
        return _package(row) if row else None

    def packages(self, project: str | None = None) -> list[Package]:
        """All packages, or those of a project, oldest first."""
        order = "ORDER BY published_s, rowid"
        if project is None:
            return [_package(row) for row in self._db.execute(f"{_SELECT} {order}")]
        return [_package(row) for row in self._db.execute(f"{_SELECT} WHERE project = ? {order}", (project,))]

    def _described(self, path: Path) -> tuple[Package, Wheel]:
        wheel, now_s = read(path), int(self._now_s())
        if wheel.project not in FOR_SALE:
            raise PublishError(f"{wheel.project} is not for sale: the index takes {', '.join(sorted(FOR_SALE))}")
        built = wheel.stamp or day_of(now_s)
        package = Package(
            wheel.file, wheel.project, wheel.version, wheel.sha256, wheel.metadata_sha256, len(wheel.content),
            wheel.requires_python, built, now_s,
        )  # fmt: skip
        return package, wheel

    def _put(self, name: str, content: bytes) -> None:
        descriptor, path = tempfile.mkstemp(dir=self._folder.packages, prefix=".new-")
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(path).replace(self._folder.packages / name)


def _package(row: sqlite3.Row) -> Package:
    values = {name: row[name] for name in row.keys()}  # noqa: SIM118 - a row iterates over its values
    return Package(**{**values, "built": date.fromisoformat(values["built"])})
