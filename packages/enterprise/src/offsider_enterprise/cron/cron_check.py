"""What the doctor says of the crontab: entries that are due and that nobody enqueues. Only looks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from offsider.contract.findings import OK, PROBLEM, Finding

from .state import LATE_S, state_of
from .table import PAGE, Table

if TYPE_CHECKING:
    from offsider import App
    from offsider.store.inspect import ServerFacts

NAME = "crontab"
MOST_NAMES = 5


def cron_check(app: App, _facts: ServerFacts) -> Iterator[Finding]:
    """A check of the doctor: nothing where there is no entry."""
    table = Table(app)
    with app.desk.wire() as wire:
        _names, count = table.names(wire, 0, 1)
        _now_s, _later_s, due = table.due(wire, 0)
        states = [state_of(kept) for kept in table.read(wire, [name for name, _due_s in due])]
    late = [state for state in states if state.overdue_s]
    if not count:
        return
    if not late:
        yield Finding(NAME, OK, f"{count:,} entries, none of them late")
        return
    shown = ", ".join(f"{one.name} ({one.entry.job})" for one in late[:MOST_NAMES])
    more = " and more" if len(late) > MOST_NAMES else ""
    number = f"at least {PAGE}" if len(due) == PAGE else f"{len(late):,}"
    yield Finding(
        NAME,
        PROBLEM,
        f"{number} of {count:,} entries are late: {shown}{more}",
        f"none that is due for over {LATE_S:g} s",
        "Start a worker of an app that has these jobs and declares these entries, or delete the entries",
    )
