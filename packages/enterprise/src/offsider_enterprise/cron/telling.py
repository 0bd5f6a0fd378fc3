"""How an entry is told to people: on a terminal and on the pages alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from offsider.cli.wording import arguments, instant, moment, span

from .run import Run
from .state import CronEntry

MOST_RUNS = 10


def stands(entry: CronEntry) -> str:
    """How an entry stands, in a few words; empty when it just goes on."""
    if not entry.readable:
        return "cannot be read here"
    if entry.paused:
        return f"paused by {entry.paused_by}" if entry.paused_by else "paused"
    if entry.overdue_s:
        return f"late by {span(entry.overdue_s)}"
    return "declared no more" if entry.forgotten else ""


def told(entry: CronEntry, history: Iterable[Run]) -> Iterator[str]:
    """Lines about one entry: what it says, its next and its last runs."""
    one = entry.entry
    yield f"{entry.name}: {one.job}({arguments(one.args, one.kwargs)})"
    by = f" by {one.by}" if one.by else ""
    yield f"  {one.cron} ({one.zone}), from {entry.source}{by}"
    for name, value in one.options.items():
        yield f"  {name}: {value!r}"
    yield f"  missed runs: {one.missed}" + (f", for {span(one.window_s)}" if one.missed != "skip" else "")
    state = stands(entry)
    if state:
        reason = f": {entry.paused_reason}" if entry.paused_reason else ""
        yield f"  {state}{reason}"
    for at in entry.coming():
        on_wall = one.schedule.clock.reading(int(at.timestamp()))
        wall = "" if one.zone == "UTC" else f"  {on_wall:%a %Y-%m-%d %H:%M} {one.zone}"
        yield f"  next {instant(at.timestamp())}{wall}"
    for run in list(history)[:MOST_RUNS]:
        more = " ".join(filter(None, (run.jid, run.said)))
        late = f", {span(run.late_s)} late" if run.late_s >= 1 else ""
        yield f"  {run.what} for {instant(run.at_s)} ({moment(run.done_s)}{late}) {more}".rstrip()
