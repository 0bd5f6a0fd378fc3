"""The ledger's file: private, of one version, made once."""

from __future__ import annotations

import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from offsider_issuer.database import VERSION, opened
from offsider_issuer.errors import FolderError


def test_the_ledger_and_what_lies_beside_it_is_private(tmp_path: Path) -> None:
    with opened(tmp_path / "ledger.db", create=True) as connection:
        connection.execute("INSERT INTO audit VALUES (1, 'a', 'b', 'c')")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600}


def test_a_reader_changes_nothing(tmp_path: Path) -> None:
    with opened(tmp_path / "ledger.db", create=True):
        pass
    with pytest.raises(FolderError, match="readonly"):
        with opened(tmp_path / "ledger.db", read_only=True) as connection:
            connection.execute("DELETE FROM audit")


def test_a_ledger_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with pytest.raises(FolderError, match="there is no ledger"):
        with opened(path):
            pass
    path.write_bytes(b"nonsense" * 1000)
    path.chmod(0o600)
    with pytest.raises(FolderError, match="cannot be used"):
        with opened(path):
            pass
    path.chmod(0o644)
    with pytest.raises(FolderError, match="chmod 600"):
        with opened(path):
            pass


def test_a_ledger_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with opened(path, create=True) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(FolderError, match=f"version {VERSION + 1}"):
        with opened(path):
            pass


def test_two_that_make_it_at_once_make_one(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    sqlite3.connect(path).close()
    path.chmod(0o600)
    path.touch()
    failed: list[BaseException] = []
    together = threading.Barrier(4)

    def make() -> None:
        try:
            together.wait()
            with opened(path, create=True):
                pass
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
