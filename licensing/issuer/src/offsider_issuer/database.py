"""The ledger's file: opened, private, in WAL mode; one transaction a change."""

from __future__ import annotations

import getpass
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from .errors import FolderError
from .folder import new_file, refuse_if_open

VERSION = 1
WAIT_S = 10.0
PAUSE_S = 0.01


@contextmanager
def opened(path: Path, *, create: bool = False, read_only: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection to the ledger.

    Args:
        path: Its file.
        create: Make it when it is not there.
        read_only: Refuse every change.

    Raises:
        FolderError: It is missing, no ledger, of another version, or others can read it.
    """
    if create and not path.exists():
        with new_file(path):
            pass  # SQLite gives its other files the mode of this one
    if not path.is_file():
        raise FolderError(f"there is no ledger {path}: make one with `offsider-issuer keygen`, or say --folder")
    refuse_if_open(path)
    connection = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)
    try:
        _prepare(connection)
        connection.execute(f"PRAGMA query_only = {int(read_only)}")
        yield connection
    except sqlite3.Error as error:
        raise FolderError(f"the ledger {path} cannot be used: {error}") from error
    finally:
        connection.close()


@contextmanager
def change(connection: sqlite3.Connection, at_s: int, act: str, what: str) -> Iterator[None]:
    """One transaction: all of it and its line in the audit, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("INSERT INTO audit VALUES (?, ?, ?, ?)", (at_s, _who(), act, what))
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _prepare(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    if _version(connection) == 0:
        _make(connection)
    if _version(connection) != VERSION:
        found = _version(connection)
        raise FolderError(f"the ledger has version {found}: this tool expects {VERSION}. Use the tool that wrote it")


def _make(connection: sqlite3.Connection) -> None:
    _log_ahead(connection)
    schema = resources.files(__package__).joinpath("schema.sql").read_text("utf-8")
    connection.execute("BEGIN EXCLUSIVE")
    if _version(connection) == 0:  # nobody else was faster
        for statement in schema.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _log_ahead(connection: sqlite3.Connection) -> None:
    """WAL mode. For this one step SQLite itself does not wait for others that do the same."""
    until_s = time.monotonic() + WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until_s:
                raise
            time.sleep(PAUSE_S)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"
