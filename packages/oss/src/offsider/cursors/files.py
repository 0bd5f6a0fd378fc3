"""Walks through files of text: the cursor is the byte after the line, so that a run begins there at once."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..errors import InvalidArguments

_BOM = b"\xef\xbb\xbf"


def lines(
    path: str | os.PathLike[str], *, after: int | None = None, encoding: str = "utf-8", growing: bool = False
) -> Iterator[tuple[str, int]]:
    """The lines of a file without their ends, each with the number of the byte after it.

    Args:
        path: The file. What is done of it must stay as it is; it may grow.
        after: The cursor.
        encoding: One in which a newline is one byte, as it is in UTF-8.
        growing: Somebody still writes it: a last line without its newline is left to a later run, as it may be half of
            one. Leave it out once the file is finished: its last line need not have a newline.

    Raises:
        InvalidArguments: The file is shorter than what is done of it, or the encoding is another.
        UnicodeDecodeError: A line is not in this encoding.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "poem.txt")
        ...     written = path.write_text("one\\ntwo\\nthree", "utf-8")
        ...     list(lines(path, after=4))
        ...     list(lines(path, after=4, growing=True))
        [('two', 8), ('three', 13)]
        [('two', 8)]
    """
    with _opened(path, after, encoding) as file:
        for line, place in _from(file, encoding, growing):
            yield line.rstrip("\r\n"), place


def csv_rows(
    path: str | os.PathLike[str],
    *,
    after: int | None = None,
    encoding: str = "utf-8",
    names: list[str] | None = None,
    dialect: str = "excel",
    delimiter: str | None = None,
    growing: bool = False,
) -> Iterator[tuple[dict[str, str], int]]:
    """The rows of a CSV file, each with the number of the byte after it. A row may have several lines.

    Args:
        path: The file. What is done of it must stay as it is; it may grow.
        after: The cursor.
        encoding: One in which a newline is one byte, as it is in UTF-8.
        names: Of the columns; the first row has them when None.
        dialect: As the module `csv` knows it.
        delimiter: Another one than the dialect's.
        growing: As for `lines`: a last row that has not come to its end is left to a later run.

    Raises:
        InvalidArguments: As for `lines`; or a row has another number of columns than the first.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "stock.csv")
        ...     written = path.write_text("article,count\\ntea,7\\nmilk,3\\n", "utf-8")
        ...     list(csv_rows(path, after=20))
        [({'article': 'milk', 'count': '3'}, 27)]
    """
    with _opened(path, None, encoding) as file:
        places = _Places(file, encoding, growing)
        rows = csv.reader(places, dialect, delimiter=delimiter or csv.get_dialect(dialect).delimiter)
        if names is None:
            names = next(rows, None)
        if names is None:
            return
        if after is not None:
            _seek(file, after, path)
            places.place = after
        for row in rows:
            if growing and places.is_cut:
                return
            if not row:
                continue
            if len(row) != len(names):
                raise InvalidArguments(
                    f"a row of {os.fspath(path)}, before byte {places.place}, has {len(row)} columns: expected"
                    f" {len(names)} ({', '.join(names)[:200]})"
                )
            yield dict(zip(names, row, strict=True)), places.place


class _Places:
    """Lines for the reader of CSV, which does not say how many it has taken for a row."""

    def __init__(self, file: IO[bytes], encoding: str, growing: bool) -> None:
        self._file = file
        self._encoding = encoding
        self._growing = growing
        self.place = 0
        self.is_cut = False  # the end came where another line was asked for: within a row, or right after one

    def __iter__(self) -> _Places:
        return self

    def __next__(self) -> str:
        line = _line(self._file, self.place, self._encoding, self._growing)
        if line is None:
            self.is_cut = True
            raise StopIteration
        self.place += line[1]
        return line[0]


def _from(file: IO[bytes], encoding: str, growing: bool) -> Iterator[tuple[str, int]]:
    place = file.tell()
    while (line := _line(file, place, encoding, growing)) is not None:
        place += line[1]
        yield line[0], place


def _line(file: IO[bytes], place: int, encoding: str, growing: bool) -> tuple[str, int] | None:
    """The next line and its length in bytes; None at the end, and for a part of a line in a file that grows."""
    raw = file.readline()
    if not raw or (growing and not raw.endswith(b"\n")):
        return None
    text = raw.removeprefix(_BOM) if place == 0 and encoding.lower().startswith("utf") else raw
    return text.decode(encoding), len(raw)


@contextmanager
def _opened(path: str | os.PathLike[str], after: int | None, encoding: str) -> Iterator[IO[bytes]]:
    if "\n".encode(encoding) != b"\n":
        raise InvalidArguments(f"the encoding is {encoding!r}: expected one in which a newline is one byte, e.g. utf-8")
    with Path(path).open("rb") as file:
        _seek(file, after or 0, path)
        yield file


def _seek(file: IO[bytes], place: int, path: str | os.PathLike[str]) -> None:
    size = file.seek(0, os.SEEK_END)
    if not 0 <= place <= size:
        raise InvalidArguments(
            f"the cursor is byte {place}, but {os.fspath(path)} has {size}: it is not the file that was begun"
        )
    file.seek(place)
