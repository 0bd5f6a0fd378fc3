"""Walks through files: from every line and row on, what is left, whatever their ends, quotes and letters are."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offsider import cursors
from offsider.errors import InvalidArguments

TEXT = st.text(st.characters(exclude_characters="\r\n\x00", exclude_categories=("Cs",)), max_size=6)
MANY = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck), max_examples=60)


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "windows"])
@pytest.mark.parametrize("last", ["", "\n"], ids=["no last end", "last end"])
@MANY
@given(rows=st.lists(TEXT, min_size=1, max_size=6))
def test_lines_go_on_after_each_of_them(tmp_path: Path, end: str, last: str, rows: list[str]) -> None:
    rows = [*rows[:-1], rows[-1] or "x"]
    path = tmp_path / "lines"
    path.write_bytes((end.join(rows) + last).encode())
    whole = list(cursors.lines(path))
    assert [line for line, _cursor in whole] == [rows[0].removeprefix("\ufeff"), *rows[1:]]
    assert whole[-1][1] == path.stat().st_size
    for place, (_line, cursor) in enumerate(whole):
        assert list(cursors.lines(str(path), after=cursor)) == whole[place + 1 :]


@MANY
@given(table=st.lists(st.tuples(st.text(max_size=5).filter(lambda one: "\x00" not in one), TEXT), max_size=5))
def test_rows_of_csv_go_on_after_each_of_them(tmp_path: Path, table: list[tuple[str, str]]) -> None:
    table = [row for row in table if _survives(row)]
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerows([("first", "second"), *table])
    path = tmp_path / "table.csv"
    path.write_bytes(out.getvalue().encode())
    whole = list(cursors.csv_rows(path))
    assert [tuple(row.values()) for row, _cursor in whole] == table
    for place, (_row, cursor) in enumerate(whole):
        assert list(cursors.csv_rows(path, after=cursor)) == whole[place + 1 :]


def _survives(row: tuple[str, str]) -> bool:
    """What the module csv itself reads back, in UTF-8."""
    try:
        row[0].encode()
    except UnicodeEncodeError:
        return False
    return "\r" not in row[0]


def test_in_a_file_that_grows_a_last_line_without_its_end_is_left_to_a_later_run(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\ntw")
    assert list(cursors.lines(path, growing=True)) == [("one", 4)]
    path.write_bytes(b"one\ntwo\nthr")
    assert list(cursors.lines(path, after=4, growing=True)) == [("two", 8)]
    assert list(cursors.lines(path, after=8)) == [("thr", 11)], "finished: it is a line"
    assert list(cursors.lines(path, after=8, growing=True)) == []


@pytest.mark.parametrize("cut", [b"a", b"a,b", b'a,"b', b'a,"b\n', b'a,"b\nc"', b'a,"b"'])
def test_in_a_csv_file_that_grows_a_row_without_its_end_is_left_to_a_later_run(tmp_path: Path, cut: bytes) -> None:
    path = tmp_path / "table.csv"
    whole = b"first,second\n1,2\n"
    for written, rows in ((cut, []), (b"first,second", []), (whole + cut, [({"first": "1", "second": "2"}, 17)])):
        path.write_bytes(written)
        assert list(cursors.csv_rows(path, growing=True)) == rows
    path.write_bytes(whole + b'3,"4\n5"\n')
    assert list(cursors.csv_rows(path, after=17, growing=True)) == [({"first": "3", "second": "4\n5"}, 25)]


def test_a_row_of_several_lines_is_one_row(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b'name;note\r\nAda;"one\r\ntwo ""2"""\r\nGrace;\r\n\r\n')
    whole = list(cursors.csv_rows(path, delimiter=";"))
    assert [row for row, _cursor in whole] == [
        {"name": "Ada", "note": 'one\r\ntwo "2"'},
        {"name": "Grace", "note": ""},
    ]
    assert list(cursors.csv_rows(path, after=whole[0][1], delimiter=";")) == whole[1:]
    assert list(cursors.csv_rows(path, after=whole[1][1], delimiter=";")) == []


def test_columns_may_be_named_and_a_mark_of_the_bytes_order_is_no_letter(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"\xef\xbb\xbfa,b\n1,2\n")
    assert [row for row, _cursor in cursors.csv_rows(path)] == [{"a": "1", "b": "2"}]
    assert next(row for row, _cursor in cursors.csv_rows(path, names=["x", "y"])) == {"x": "a", "y": "b"}
    assert [line for line, _cursor in cursors.lines(path)] == ["a,b", "1,2"]


def test_an_empty_file_has_nothing(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    assert list(cursors.lines(path)) == list(cursors.csv_rows(path)) == []


def test_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.write_bytes("é\nß\n".encode("latin-1"))
    assert list(cursors.lines(path, after=2, encoding="latin-1")) == [("ß", 4)]
    with pytest.raises(UnicodeDecodeError):
        list(cursors.lines(path))
    for encoding in ("utf-16", "utf-8-sig"):
        with pytest.raises(InvalidArguments, match="expected one in which a newline is one byte"):
            list(cursors.lines(path, encoding=encoding))


@pytest.mark.parametrize("walk", [cursors.lines, cursors.csv_rows])
@pytest.mark.parametrize("after", [100, -1])
def test_a_file_that_is_shorter_than_what_is_done_of_it_is_another(tmp_path: Path, walk: Any, after: int) -> None:
    path = tmp_path / "short"
    path.write_text("a,b\n", "utf-8")
    with pytest.raises(InvalidArguments, match=f"the cursor is byte {after}, but .* has 4"):
        list(walk(path, after=after))


def test_a_row_with_another_number_of_columns_is_told(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,2\n3\n", "utf-8")
    with pytest.raises(InvalidArguments, match=r"before byte 10, has 1 columns: expected 2 \(a, b\)"):
        list(cursors.csv_rows(path))
