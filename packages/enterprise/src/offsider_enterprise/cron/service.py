"""The background loop of a worker that enqueues what the crontab says. Every worker has one; none is needed more."""

from __future__ import annotations

import contextlib
import logging
from random import Random
from typing import TYPE_CHECKING

from offsider import clock
from offsider.errors import StoreError
from offsider.worker.service import PeriodicService

from .entry import RUN_TIME, Entry
from .table import PAGE, Kept, Table

if TYPE_CHECKING:
    from offsider.store.wire import Wire
    from offsider.worker.worker import Worker

    from ..leader.leadership import Leadership
    from .fire import Fire

log = logging.getLogger("offsider.enterprise")

LOOK_EVERY_S = 5.0
LEADER_LOOKS_EVERY_S = 1.0
LAG_S = 2.0
"""So long everybody but the leader leaves an instant to the leader."""
AFFIRM_EVERY_S = 60.0
FORGET_EVERY_S = 60.0
STEP_S = 5.0
MOST_PAGES = 20
MOST_RUNS = 1000
SHORTEST_S = 0.01
SHOWN_ERROR = "cron entry %r cannot be read here: a later version has written it. Upgrade this process"


class CronService(PeriodicService):
    """Looks which entries are due, and enqueues those that this app knows.

    * the leader is on time; everybody else comes two seconds later, for what is still due: a leader that has just died
      costs no run, and nobody has to find out that it has;
    * which process enqueues an instant is decided by the script that does it: two at once make one job;
    * the clock is the server's. When it was set back, entries are put to where they belong: none waits for a day, and
      no instant comes twice.

    Args:
        worker: Whose.
        leadership: Says who is on time.
        fire: Enqueues.
        entries: What the code and the settings of this process declare.
    """

    name = "cron"

    def __init__(self, worker: Worker, leadership: Leadership, fire: Fire, entries: dict[str, Entry]) -> None:
        super().__init__()
        self._app = worker.app
        self._leadership = leadership
        self._fire = fire
        self._declared = entries
        self._table = Table(worker.app)
        self._wire = worker.app.connections.wire("cron", read_timeout_s=15.0)
        self._lag_s = LAG_S * Random().uniform(0.75, 1.25)
        self._foreign: set[str] = set()
        self._forget_s = 0.0
        self._affirm_s = clock.monotonic_s() + AFFIRM_EVERY_S
        self._plan_from: int | None = None
        self._seen: tuple[float, float] | None = None  # the server's clock, and ours that nobody sets

    def tick(self) -> float:
        """Enqueue what is due; the seconds until the next look."""
        leads = self._leadership.leads
        lag_s = 0.0 if leads else self._lag_s
        self._look_after()
        now_s, next_s = self._all_due(lag_s)
        self._watch(now_s)
        if self._plan_from is not None:
            self._plan(now_s)
            return SHORTEST_S
        look_s = LEADER_LOOKS_EVERY_S if leads else LOOK_EVERY_S
        return look_s if next_s is None else min(look_s, max(next_s + lag_s - now_s, SHORTEST_S))

    def release(self) -> None:
        """Drop the connections."""
        self._wire.close()
        self._fire.close()

    # -- what is due -------------------------------------------------------------------------------------------

    def _all_due(self, lag_s: float) -> tuple[float, float | None]:
        """Go through everything that is due; the server's time at the beginning, and when the next is due."""
        skip, began_s, next_s = 0, None, None
        for _ in range(MOST_PAGES):
            now_s, later_s, found = self._table.due(self._wire, skip)
            began_s = now_s if began_s is None else began_s
            soon = [due_s for name, due_s in found if due_s > now_s - lag_s and name not in self._foreign]
            next_s = min([*soon, *filter(None, (next_s, later_s))], default=None)
            todo = {name: due_s for name, due_s in found if due_s <= now_s - lag_s and name not in self._foreign}
            left = self._do(todo, now_s)
            skip += len(found) - len(todo) + left
            if len(found) < PAGE or self.stopping:
                break
        assert began_s is not None
        return began_s, next_s

    def _do(self, todo: dict[str, float], now_s: float) -> int:
        """Do what is due of these; how many are still so, because they are not ours, or are no entries."""
        left = len(todo)
        for kept in self._table.read(self._wire, list(todo)):
            if self.stopping:
                return left
            left -= 1
            if not self._is_ours(kept):
                self._foreign.add(kept.name)
                left += 1
            elif kept.entry is not None and kept.due_s is not None and kept.due_s <= now_s:
                self._one(kept.entry, kept.due_s, now_s)
        return left

    def _one(self, entry: Entry, due_s: float, now_s: float) -> None:
        """One that fails holds up no other."""
        try:
            self._fire.due(self._wire, entry, due_s, now_s)
        except StoreError:
            raise
        except Exception:
            log.exception("cron entry %r failed; the others go on", entry.name)
            self._foreign.add(entry.name)  # for a minute

    def _is_ours(self, kept: Kept) -> bool:
        if kept.entry is None:
            log.error(SHOWN_ERROR, kept.name)
            return False
        if kept.source != RUN_TIME and kept.name not in self._declared:
            return False
        return kept.entry.job in self._app.jobs

    # -- the rest ----------------------------------------------------------------------------------------------

    def _look_after(self) -> None:
        """Say what this process declares; look again, now and then, at what was not for it."""
        if clock.monotonic_s() >= self._forget_s:
            self._forget_s = clock.monotonic_s() + FORGET_EVERY_S
            self._foreign.clear()
        if clock.monotonic_s() >= self._affirm_s:
            self._affirm_s = clock.monotonic_s() + AFFIRM_EVERY_S
            if self._table.affirm(self._wire, list(self._declared)) < len(self._declared):
                self._declare_again()

    def _declare_again(self) -> None:
        """Redis has lost what this process declares, or all it had: what others have written meanwhile stays."""
        now_s, _later_s, _due = self._table.due(self._wire, 0)
        lost = 0
        for entry in self._declared.values():
            with contextlib.suppress(LookupError):
                lost += self._table.put(self._wire, entry, entry.schedule.after(now_s), over="")
        log.warning("Redis had lost %d entries of the crontab that this process declares; they are written again", lost)

    def _watch(self, now_s: float) -> None:
        """Put entries to where they belong when the server's clock was set back, or may have been before we came."""
        seen, at_s = self._seen, clock.monotonic_s()
        if seen is None or now_s < seen[0] + (at_s - seen[1]) - STEP_S:
            self._plan_from = 0
        self._seen = (now_s, at_s)

    def _plan(self, now_s: float) -> None:
        """One page of entries; the next look takes the next one."""
        assert self._plan_from is not None
        names, _total = self._table.names(self._wire, self._plan_from, PAGE)
        for kept in self._table.read(self._wire, names):
            if kept.entry is not None and kept.due_s is not None and self._is_ours(kept):
                plan(self._table, self._wire, kept, now_s)
        self._plan_from = self._plan_from + PAGE if len(names) == PAGE else None


def plan(table: Table, wire: Wire, kept: Kept, now_s: float) -> float | None:
    """Put an entry to its next instant without a run, if it is further ahead; when that is, if something was changed.

    Args:
        table: The crontab.
        wire: A connection.
        kept: The entry.
        now_s: Now, by the server's clock.
    """
    assert kept.entry is not None
    schedule = kept.entry.schedule
    if kept.due_s is None or schedule.after(now_s) >= kept.due_s:
        return None
    runs = {int(run.at_s) for run in table.runs(wire, kept.name, MOST_RUNS)}
    oldest_s = min(runs, default=0)
    begin_s = max(now_s, oldest_s - 1)
    found = []
    for instant in schedule.coming(begin_s):
        if instant >= kept.due_s:
            return None
        if instant not in runs:
            found.append(instant)
            break
    due_s = table.plan(wire, kept, found)
    if due_s is not None:
        log.warning(
            "cron entry %r was due too late: a clock was set back. It is due at its next instant now", kept.name
        )
    return due_s
