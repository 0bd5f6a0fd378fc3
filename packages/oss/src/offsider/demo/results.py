"""The demo's own database: what each job found out. Knows nothing of queues."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_TABLES = """
create table if not exists jobs (
    kind text not null, path text not null, version integer not null,
    state text not null default 'waiting', attempts integer not null default 0,
    lines integer, functions integer, classes integer, bytes integer, elapsed_ms real, error text,
    primary key (kind, path, version)
)
"""
_ENDED = ("done", "dead")

Key = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Measured:
    """What one job found out.

    Attributes:
        elapsed_ms: How long its body ran.
    """

    lines: int
    functions: int
    classes: int
    bytes: int
    elapsed_ms: float


@dataclass(frozen=True, slots=True)
class Counts:
    """How far a run is."""

    total: int
    done: int
    dead: int
    retried: int

    @property
    def ended(self) -> int:
        """Jobs that need no more attempt."""
        return self.done + self.dead


class Results:
    """One row a job: its path, the version of the file (its time of change), and what became of it.

    A row is written once and for all by the job that ends, so an attempt that is repeated after a crash changes
    nothing: this is how any job makes its effect idempotent.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._local = threading.local()
        self._connection().execute(_TABLES)

    def known(self) -> set[Key]:
        """The jobs that were enqueued already."""
        return set(self._connection().execute("select kind, path, version from jobs"))

    def note_enqueued(self, keys: Iterable[Key]) -> None:
        """These jobs are in the queue; what a quick worker has already written stays."""
        with self._connection() as connection:
            connection.executemany("insert or ignore into jobs (kind, path, version) values (?, ?, ?)", keys)

    def has_ended(self, key: Key) -> bool:
        """True when the job has its result, or is dead."""
        row = self._connection().execute("select state from jobs where kind=? and path=? and version=?", key).fetchone()
        return row is not None and row[0] in _ENDED

    def note_done(self, key: Key, measured: Measured, attempt: int) -> None:
        """The job's effect."""
        self._write(
            "insert into jobs (kind, path, version, state, attempts, lines, functions, classes, bytes, elapsed_ms)"
            " values (?, ?, ?, 'done', ?, ?, ?, ?, ?, ?) on conflict do update set state='done',"
            " attempts=excluded.attempts, lines=excluded.lines, functions=excluded.functions,"
            " classes=excluded.classes, bytes=excluded.bytes, elapsed_ms=excluded.elapsed_ms",
            (
                *(*key, attempt + 1, measured.lines, measured.functions),
                *(measured.classes, measured.bytes, measured.elapsed_ms),
            ),
        )

    def note_attempt(self, key: Key, attempt: int) -> None:
        """An attempt has begun that is not the first one."""
        self._write(
            "insert into jobs (kind, path, version, attempts) values (?, ?, ?, ?)"
            " on conflict do update set attempts=excluded.attempts",
            (*key, attempt + 1),
        )

    def note_dead(self, key: Key, error: str) -> None:
        """The job has no attempts left."""
        self._write(
            "insert into jobs (kind, path, version, state, error) values (?, ?, ?, 'dead', ?)"
            " on conflict do update set state='dead', error=excluded.error",
            (*key, error),
        )

    def counts(self) -> Counts:
        """How far all jobs are."""
        row = self._connection().execute(
            "select count(*), coalesce(sum(state='done'), 0), coalesce(sum(state='dead'), 0),"
            " coalesce(sum(attempts > 1), 0) from jobs"
        )
        return Counts(*row.fetchone())

    def sums(self, kind: str) -> tuple[int, int, int, int, int]:
        """Jobs done, lines, functions, classes, bytes of one kind."""
        row = self._connection().execute(
            "select count(*), coalesce(sum(lines), 0), coalesce(sum(functions), 0), coalesce(sum(classes), 0),"
            " coalesce(sum(bytes), 0) from jobs where state='done' and kind=?",
            (kind,),
        )
        jobs, lines, functions, classes, size = row.fetchone()
        return jobs, lines, functions, classes, size

    def largest(self, count: int) -> list[tuple[str, int, int, int, float]]:
        """Path, lines, functions, classes, elapsed ms of the files with the most lines."""
        return self._connection().execute(
            "select path, lines, functions, classes, elapsed_ms from jobs where kind='file' and state='done'"
            " order by lines desc, path limit ?",
            (count,),
        ).fetchall()  # fmt: skip

    def dead(self) -> list[tuple[str, int, str]]:
        """Path, attempts and last error of the jobs that died."""
        return self._connection().execute(
            "select path, attempts, error from jobs where state='dead' order by path"
        ).fetchall()  # fmt: skip

    def _write(self, statement: str, values: tuple[object, ...]) -> None:
        with self._connection() as connection:
            connection.execute(statement, values)

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = sqlite3.connect(self._file, timeout=30)
            connection.execute("pragma journal_mode=wal")
            connection.execute("pragma synchronous=normal")
        return connection
