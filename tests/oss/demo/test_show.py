"""What the demo says: lines of text, or a bar on a terminal; a table of what was found and what died."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path

import pytest

from offsider.demo import show
from offsider.demo.results import Counts, Measured, Results


class Terminal(io.StringIO):
    """Text that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def results(tmp_path: Path) -> Results:
    """An empty database."""
    return Results(tmp_path / "results.db")


def reported(results: Results, elapsed_s: float = 2.0, ran: int = 4) -> str:
    """The report's text."""
    out = io.StringIO()
    show.report(results, elapsed_s, ran, out=out)
    return out.getvalue()


def test_a_file_or_a_wish_gets_lines_and_a_terminal_gets_a_bar() -> None:
    assert isinstance(show.progress(io.StringIO(), plain=False), show.PlainProgress)
    assert isinstance(show.progress(Terminal(), plain=True), show.PlainProgress)
    pytest.importorskip("rich")
    bar = show.progress(Terminal(), plain=False)
    bar.close()
    assert isinstance(bar, show.BarProgress)


def test_a_terminal_without_rich_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert isinstance(show.progress(Terminal(), plain=False), show.PlainProgress)


def test_lines_are_few_and_the_last_one_is_said_at_once() -> None:
    out = io.StringIO()
    lines = show.PlainProgress(out)
    for done in (0, 1, 2, 3):
        lines.show(Counts(total=1000, done=done, dead=0, retried=0))
    lines.show(Counts(total=1000, done=990, dead=10, retried=12))
    lines.close()
    assert out.getvalue().splitlines() == [
        "       0 of 1,000 jobs ended",
        "   1,000 of 1,000 jobs ended, 12 retried, 10 dead",
    ]


def test_the_bar_shows_counts_and_leaves_its_last_state(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("rich")
    bar = show.BarProgress()
    bar.show(Counts(total=20, done=12, dead=1, retried=2))
    bar.close()
    shown = capsys.readouterr().out
    assert "13/20" in shown
    assert "2 retried, 1 dead" in shown


def test_the_report_has_sums_the_largest_files_and_the_speed(results: Results) -> None:
    results.note_done(("file", "big.py", 1), Measured(1500, 20, 3, 45_678, 12.34), 0)
    results.note_done(("file", "small.py", 1), Measured(10, 1, 0, 99, 0.04), 1)
    results.note_done(("folder", "src", 1), Measured(0, 0, 0, 1_000_000, 1.0), 0)
    text = reported(results, elapsed_s=1.5, ran=3)
    assert "3 jobs ran in 1.5 s, 2 jobs/s; 1 were retried, 0 died." in text
    assert "files 2 1,510 21 3 45,777" in " ".join(text.split())
    assert "folders (async) 1 1,000,000" in " ".join(text.split())
    rows = [line.split() for line in text.splitlines() if line.strip().startswith(("big", "small"))]
    assert rows == [["big.py", "1,500", "20", "3", "12.3"], ["small.py", "10", "1", "0", "0.0"]]
    assert "Nothing died: every file could be parsed." in text


def test_what_died_is_in_a_table_with_its_reason_in_one_line(results: Results) -> None:
    results.note_attempt(("file", "bad.py", 1), 2)
    results.note_dead(("file", "bad.py", 1), "SyntaxError: '(' was never closed\nmore of it")
    lines = reported(results).splitlines()
    head = next(n for n, line in enumerate(lines) if line.strip().startswith("died"))
    assert lines[head].split() == ["died", "attempts", "why"]
    assert lines[head + 2].strip() == "bad.py         3  SyntaxError: '(' was never closed"


def test_a_long_table_of_the_dead_is_cut_and_says_so(results: Results) -> None:
    for n in range(25):
        results.note_dead(("file", f"bad{n:02}.py", 1), "SyntaxError: no")
    text = reported(results)
    assert "bad19.py" in text
    assert "bad20.py" not in text
    assert "… and 5 more" in text


def test_a_long_path_keeps_its_end(results: Results) -> None:
    results.note_done(("file", "/very" * 30 + "/name.py", 1), Measured(1, 0, 0, 1, 0.1), 0)
    line = next(line for line in reported(results).splitlines() if "name.py" in line)
    assert line.strip().startswith("…")
    assert line.split()[0].endswith("/name.py")
    assert len(line.split()[0]) == 52


def test_columns_stand_under_each_other(results: Results) -> None:
    for name, lines in (("a.py", 1), ("longer_name.py", 123_456)):
        results.note_done(("file", name, 1), Measured(lines, 0, 0, 1, 0.1), 0)
    ends = [
        line.index(value) + len(value)
        for line in reported(results).splitlines()
        for value in ("123,456", " 1  ")
        if line.strip().startswith(("a.py", "longer_name.py")) and value in line
    ]
    assert ends[0] == ends[1] - 2


def test_a_run_in_which_nothing_was_left_to_do_has_no_speed(results: Results) -> None:
    assert "0 jobs ran in 0.0 s; 0 were retried, 0 died." in reported(results, elapsed_s=0.0, ran=0)
