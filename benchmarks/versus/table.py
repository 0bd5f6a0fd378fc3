"""The results as a table: for a terminal, and as Markdown. Measures nothing."""

from __future__ import annotations

from collections.abc import Sequence

from versus.machine import Machine
from versus.results import Row, in_order, reference_rate

HEADER = (
    *("system", "jobs/s", "Offsider is", "µs CPU/job", "commands/job", "enqueue one /s", "bulk /s", "RSS MB"),
    "what is set",
)
NONE = "-"


def lines(rows: Sequence[Row]) -> list[list[str]]:
    """The cells, the fastest first; those without figures last, with their reason."""
    reference = reference_rate(rows)
    return [_cells(row, reference) for row in in_order(rows)]


def text(rows: Sequence[Row], machine: Machine, how: str) -> str:
    """The table for a terminal."""
    cells = [list(HEADER), *lines(rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADER) - 1)]
    body = [
        "  ".join(
            [line[0].ljust(widths[0]), *(line[i].rjust(widths[i]) for i in range(1, len(widths))), line[-1]]
        ).rstrip()
        for line in cells
    ]
    return "\n".join([str(machine), how, "", *body, "", *_versions(rows)])


def markdown(rows: Sequence[Row], machine: Machine, how: str, command: str) -> str:
    """The table for the documentation, with what it takes to repeat it."""
    body = [_line(HEADER), _line(["---", *["---:"] * (len(HEADER) - 2), "---"])]
    body += [_line([one.replace("|", "\\|") for one in cells]) for cells in lines(rows)]
    versions = [f"* {one}" for one in _versions(rows)]
    return "\n".join([f"`{command}`, {machine}.", how, "", *body, "", "Versions:", "", *versions, ""])


def short(rows: Sequence[Row], machine: Machine, how: str, command: str) -> str:
    """The table for a README: each system at its best, and no notes but the versions."""
    at_best = {row.system for row in rows if row.best}
    chosen = [row for row in rows if row.is_measured and (row.best or row.system not in at_best)]
    body = [_line(HEADER[:-1]), _line(["---", *["---:"] * (len(HEADER) - 2)])]
    body += [_line(cells[:-1]) for cells in lines(chosen)]
    return "\n".join([*body, "", f"`{command}`, {machine}.", how, *(f"{one}." for one in _versions(chosen)), ""])


def number(value: float | None) -> str:
    """Three digits or so: 0.14, 7.5, 347, 104,312."""
    if value is None:
        return NONE
    if value < 10:
        return f"{value:.2f}" if value < 5 else f"{value:.1f}"
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def ratio(reference: float | None, rate: float | None) -> str:
    """How many times as fast the reference is."""
    if not reference or not rate:
        return NONE
    return f"{times(reference / rate)}x"


def times(value: float) -> str:
    """Two digits or so: 0.8, 3.1, 17, 1,100."""
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def _cells(row: Row, reference: float | None) -> list[str]:
    if not row.is_measured:
        return [row.label, *[NONE] * (len(HEADER) - 2), row.reason or "not measured"]
    rate = row.median("rate")
    figures = [f"{rate:,.0f}", ratio(reference, rate), number(row.median("cpu_us")), number(row.median("commands"))]
    enqueued = [NONE if one is None else f"{one:,.0f}" for one in (row.median("one_per_s"), row.median("bulk_per_s"))]
    rss = row.median("rss_mb")
    return [row.label, *figures, *enqueued, NONE if rss is None else f"{rss:.0f}", row.note]


def _versions(rows: Sequence[Row]) -> list[str]:
    """A line for each system, in the order of their titles."""
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        if row.versions:
            found.setdefault(row.title, {}).update(row.versions)
    return [
        f"{title}: " + ", ".join(f"{name} {version}" for name, version in found[title].items())
        for title in sorted(found, key=str.lower)
    ]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
