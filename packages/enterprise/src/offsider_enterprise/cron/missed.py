"""What to do about instants that have passed: those on time, and those for which nobody was there. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import chain, islice, takewhile

from .schedule import Schedule

SKIP, ONCE, ALL = "skip", "once", "all"
POLICIES = (SKIP, ONCE, ALL)
ON_TIME_S = 60.0
"""So late an instant is still on time: in it another process takes over, and Redis comes back."""
AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Doing:
    """What is to be done about an entry that is due.

    Attributes:
        runs: The instants to enqueue a job for, oldest first; the schedule goes on after each.
        left_out: The first and the last of those that are passed over; None when there are none.
        next_s: When it is due next, once all that is done; that may be past, when there is more to do.
    """

    runs: list[int] = field(default_factory=list)
    left_out: tuple[int, int] | None = None
    next_s: int = 0


def decide(schedule: Schedule, due_s: int, now_s: float, *, missed: str, window_s: float) -> Doing:
    """What to do.

    Args:
        schedule: The entry's.
        due_s: The first instant that is not done.
        now_s: Now, by the server's clock; not before ``due_s``.
        missed: ``skip``: only what is on time; ``once``: the last one, for all; ``all``: each of them, 100 at once.
        window_s: ``once`` and ``all`` go back no further.

    Example:
        >>> every = Schedule("*/5 * * * *", "UTC", "every")
        >>> decide(every, 0, 1000, missed="once", window_s=3600)
        Doing(runs=[900], left_out=(0, 600), next_s=1200)
        >>> decide(every, 0, 1000, missed="skip", window_s=3600)
        Doing(runs=[], left_out=(0, 900), next_s=1200)
        >>> decide(every, 0, 1000, missed="all", window_s=500)
        Doing(runs=[600, 900], left_out=(0, 300), next_s=1200)
    """
    oldest_s = now_s - (ON_TIME_S if missed == SKIP else window_s)
    if missed == ALL:
        first = due_s if due_s >= oldest_s else max(due_s, schedule.after(math.ceil(oldest_s) - 1))
        coming = islice(chain([first], schedule.coming(first)), AT_ONCE)  # what is due is due, whatever a zone says now
        runs = list(takewhile(lambda one: one <= now_s, coming))
    else:
        last = max(due_s, schedule.latest(now_s))
        runs = [last] if last >= oldest_s else []
    end = runs[0] if runs else schedule.after(now_s)
    left_out = (due_s, schedule.latest(end - 1)) if end > due_s else None
    return Doing(runs, left_out, schedule.after(runs[-1] if runs else now_s))
