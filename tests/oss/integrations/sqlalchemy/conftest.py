"""A database in a file, with sessions of both kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sqlalchemy = pytest.importorskip("sqlalchemy")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / "db.sqlite3"


@pytest.fixture
def metadata() -> Any:
    """With one table of the user's."""
    made = sqlalchemy.MetaData()
    sqlalchemy.Table("users", made, sqlalchemy.Column("name", sqlalchemy.Text, primary_key=True))
    return made


@pytest.fixture
def engine(path: Path, metadata: Any) -> Iterator[Any]:
    """A synchronous engine."""
    made = sqlalchemy.create_engine(f"sqlite:///{path}")
    metadata.create_all(made)
    yield made
    made.dispose()
