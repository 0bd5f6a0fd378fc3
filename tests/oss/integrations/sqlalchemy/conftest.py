"""A database in a file, with sessions of both kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / "db.sqlite3"


@pytest.fixture
def metadata() -> Any:
    """With one table of the user's."""
    from sqlalchemy import Column, MetaData, Table, Text

    made = MetaData()
    Table("users", made, Column("name", Text, primary_key=True))
    return made


@pytest.fixture
def engine(path: Path, metadata: Any) -> Iterator[Any]:
    """A synchronous engine."""
    from sqlalchemy import create_engine

    made = create_engine(f"sqlite:///{path}")
    metadata.create_all(made)
    yield made
    made.dispose()
