"""What the demo puts on the screen: a bar where there is a terminal, lines of text elsewhere."""

from __future__ import annotations

import importlib.util
import sys
from typing import IO, Any, Protocol

from .. import clock
from .results import Counts, Results

SAY_EVERY_S = 2.0
MOST_DEAD = 20


class Progress(Protocol):
    """Shows how far a run is."""

    def show(self, counts: Counts) -> None:
        """The state now; called several times a second."""

    def close(self) -> None:
        """Nothing more comes."""


class PlainProgress:
    """A line of text every two seconds."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._next_s = 0.0

    def show(self, counts: Counts) -> None:
        """The state now."""
        if clock.monotonic_s() >= self._next_s or counts.ended == counts.total:
            self._next_s = clock.monotonic_s() + SAY_EVERY_S
            print(f"  {counts.ended:>6,} of {counts.total:,} jobs ended{_extra(counts)}", file=self._out, flush=True)

    def close(self) -> None:
        """Nothing to take down."""


class BarProgress:
    """A bar with counts, by rich."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._bar = Progress(
            *(TextColumn("[bold]jobs"), BarColumn(bar_width=40), MofNCompleteColumn(), TimeElapsedColumn()),
            TextColumn("[dim]{task.description}"),
        )
        self._task = self._bar.add_task("", total=None)
        self._bar.start()

    def show(self, counts: Counts) -> None:
        """The state now."""
        text = _extra(counts).removeprefix(", ")
        self._bar.update(self._task, total=counts.total, completed=counts.ended, description=text)

    def close(self) -> None:
        """Leave the last state on the screen."""
        self._bar.stop()


def progress(out: IO[str], *, plain: bool) -> Progress:
    """A bar when ``out`` is a terminal and rich is installed, else lines."""
    if plain or not out.isatty() or importlib.util.find_spec("rich") is None:
        return PlainProgress(out)
    return BarProgress()


def report(results: Results, elapsed_s: float, ran: int, *, out: IO[str] | None = None) -> None:
    """The end of a run: what was measured, the largest files, what died and why."""
    stream = out or sys.stdout
    counts = results.counts()
    files, lines, functions, classes, size = results.sums("file")
    folders, *_rest, disk = results.sums("folder")
    rate = f", {ran / elapsed_s:,.0f} jobs/s" if ran and elapsed_s > 0 else ""
    _say(
        stream, f"\n{ran:,} jobs ran in {elapsed_s:.1f} s{rate}; {counts.retried:,} were retried, {counts.dead:,} died."
    )
    _table(
        stream,
        ("", "jobs", "lines", "functions", "classes", "bytes"),
        [
            ("files", f"{files:,}", f"{lines:,}", f"{functions:,}", f"{classes:,}", f"{size:,}"),
            ("folders (async)", f"{folders:,}", "", "", "", f"{disk:,}"),
        ],
    )
    _table(
        stream,
        ("largest files", "lines", "functions", "classes", "ms"),
        [(_short(path), f"{n:,}", f"{f:,}", f"{c:,}", f"{ms:.1f}") for path, n, f, c, ms in results.largest(5)],
    )
    _report_dead(stream, results)


def _report_dead(out: IO[str], results: Results) -> None:
    dead = results.dead()
    if not dead:
        _say(out, "\nNothing died: every file could be parsed.")
        return
    rows = [(_short(path), f"{attempts}", (error or "").splitlines()[0][:90]) for path, attempts, error in dead]
    _table(out, ("died", "attempts", "why"), rows[:MOST_DEAD], left={0, 2})
    if len(dead) > MOST_DEAD:
        _say(out, f"  … and {len(dead) - MOST_DEAD} more")


def _extra(counts: Counts) -> str:
    parts = [f"{counts.retried:,} retried" if counts.retried else "", f"{counts.dead:,} dead" if counts.dead else ""]
    return "".join(f", {part}" for part in parts if part)


def _short(path: str, most: int = 52) -> str:
    return path if len(path) <= most else "…" + path[-(most - 1) :]


def _table(out: IO[str], head: tuple[str, ...], rows: list[Any], *, left: set[int] | None = None) -> None:
    if not rows:
        return
    widths = [max(len(row[k]) for row in (head, *rows)) for k in range(len(head))]
    aligned = left or {0}
    _say(out, "")
    for number, row in enumerate((head, *rows)):
        cells = [one.ljust(widths[k]) if k in aligned else one.rjust(widths[k]) for k, one in enumerate(row)]
        _say(out, f"  {'  '.join(cells)}".rstrip())
        if number == 0:
            _say(out, f"  {'  '.join('─' * width for width in widths)}")


def _say(out: IO[str], text: str) -> None:
    print(text, file=out)
