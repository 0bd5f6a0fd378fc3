"""The vendor's folder: where things lie in it, and that nobody else can read them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .errors import FolderError

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600


@dataclass(frozen=True, slots=True)
class Folder:
    """One vendor's folder.

    ::

        keys/KID.pem       a signing key; only needed where licences are issued, never where the index runs
        keys/KID.pub       its public half
        ledger.db          licences, hashes of index keys, what is published, an audit of the vendor's acts
        packages/          the wheels of the index, each with its metadata
        downloads.jsonl    one line a download
    """

    path: Path

    @property
    def keys(self) -> Path:
        """The folder of signing keys."""
        return self.path / "keys"

    @property
    def ledger(self) -> Path:
        """The database."""
        return self.path / "ledger.db"

    @property
    def packages(self) -> Path:
        """The folder of wheels."""
        return self.path / "packages"

    @property
    def downloads(self) -> Path:
        """The file of downloads."""
        return self.path / "downloads.jsonl"

    def made(self) -> Folder:
        """This folder, there and private.

        Raises:
            FolderError: It cannot be made.
        """
        try:
            for path in (self.path, self.keys, self.packages):
                path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        except OSError as error:
            raise FolderError(f"the folder {self.path} cannot be made: {error.strerror or error}") from None
        return self


@contextmanager
def new_file(path: Path) -> Iterator[int]:
    """A new file that only its owner can read, open for writing; it stays only when all went well.

    Raises:
        FolderError: There is one already, or it cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), PRIVATE_FILE)
    except FileExistsError:
        raise FolderError(
            f"{path} is there already and is not overwritten: take another name, or move it away"
        ) from None
    except OSError as error:
        raise FolderError(f"{path} cannot be written: {error.strerror or error}") from None
    try:
        yield descriptor
        os.fsync(descriptor)
    except BaseException:
        path.unlink()
        raise
    finally:
        os.close(descriptor)


def write_new(path: Path, text: str) -> None:
    """Write a new file that only its owner can read.

    Raises:
        FolderError: There is one already, or it cannot be made.
    """
    with new_file(path) as descriptor, os.fdopen(descriptor, "wb", closefd=False) as file:
        file.write(text.encode())


def refuse_if_open(path: Path) -> None:
    """Do nothing for a file that only its owner can read.

    Raises:
        FolderError: Others can read or write it.
    """
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise FolderError(f"{path} has the mode {mode:o}, others can read it: expected 600. Run: chmod 600 {path}")
