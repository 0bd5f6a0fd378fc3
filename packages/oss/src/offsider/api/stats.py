"""Figures of everything: totals, sizes, latencies, days. Four round trips, whatever there is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from .. import clock
from ..errors import InvalidOption, shown
from ..store.classify import is_wrong_type, store_errors
from ..store.hashes import requests
from ..store.scripts import load
from .queues import QueueInfo, waited_s
from .workforce import as_number, listed

if TYPE_CHECKING:
    from .manage import Management

MOST_DAYS = 1825
TOTALS = ("processed", "failed")
QUEUES_A_CALL = 500


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything at one moment.

    Attributes:
        processed, failed: Attempts since ever; ``processed`` has the failed ones, too.
        enqueued: Jobs in all queues.
        scheduled, retries, dead, quarantined: Sizes of the sets.
        processes, busy, concurrency: Live processes, jobs that run in them, and their slots.
        latency_s: The longest that the next job of any queue has waited.
        queues: Each queue, the longest first.
    """

    processed: int
    failed: int
    enqueued: int
    scheduled: int
    retries: int
    dead: int
    quarantined: int
    processes: int
    busy: int
    concurrency: int
    latency_s: float
    queues: tuple[QueueInfo, ...]

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Day:
    """One day, UTC.

    Attributes:
        day: Which.
        processed, failed: Attempts of that day; ``processed`` has the failed ones, too.
    """

    day: date
    processed: int
    failed: int


class Stats:
    """What ``app.stats`` is.

    Example:
        >>> figures = app.stats.now()                       # doctest: +SKIP
        >>> figures.enqueued, figures.latency_s             # doctest: +SKIP
        (120, 0.4)
        >>> [day.failed for day in app.stats.history(7)]    # doctest: +SKIP
        [0, 2, 0, 0, 0, 0, 0]
    """

    def __init__(self, app: Management) -> None:
        self._app = app

    def now(self) -> Figures:
        """All figures as they are now, read in four round trips; with over 500 queues or 100 processes, a few more.

        Raises:
            StoreError: Redis is away or refuses.
        """
        keys = self._app.keys
        names = self._app.queues.names()
        with self._app.desk.wire() as wire:
            processes = listed(wire, keys)
            waiting = [one for some in _parts(names) for one in wire.run(load("sizes"), [*map(keys.queue, some)], [])]
        words: list[tuple[Any, ...]] = [("GET", keys.stat(name)) for name in TOTALS]
        words += [("ZCARD", key) for key in (keys.schedule, keys.retry, keys.dead, keys.quarantine)]
        words += requests([keys.process(one) for one in processes], ("info", "busy", "concurrency"))
        answers = self._ask(words)
        (processed, failed), sizes, told = answers[:2], answers[2:6], answers[6:]
        living = [one for some in told for one in some if one[0] is not None]
        queues = _queues(names, waiting)
        scheduled, retries, dead, quarantined = (one or 0 for one in sizes)
        return Figures(
            as_number(processed), as_number(failed), sum(one.size for one in queues), scheduled, retries, dead,
            quarantined, len(living), sum(as_number(busy) for _info, busy, _slots in living),
            sum(as_number(slots) for _info, _busy, slots in living),
            max((one.latency_s for one in queues), default=0.0), queues,
        )  # fmt: skip

    def history(self, days: int = 30, *, until: date | None = None) -> list[Day]:
        """What was done on each day, the newest first; a day of which nothing is known has zeros.

        Args:
            days: How many, 1 to 1825 (five years: no more is kept).
            until: The newest of them; None for today, UTC.

        Raises:
            InvalidOption: ``days`` or ``until`` cannot be.
            StoreError: Redis is away or refuses.
        """
        if type(days) is not int or not 1 <= days <= MOST_DAYS:
            raise InvalidOption(f"days is {shown(days)}: expected a whole number from 1 to {MOST_DAYS}")
        given: object = until
        if given is not None and not (isinstance(given, date) and given.toordinal() > MOST_DAYS):
            raise InvalidOption(f"until is {shown(until)}: expected a date, e.g. date(2027, 1, 31), or None for today")
        last = until or datetime.fromtimestamp(clock.now_s(), UTC).date()
        wanted = [date.fromordinal(last.toordinal() - k) for k in range(days)]
        keys = [self._app.keys.stat(name, f"{day:%Y-%m-%d}") for name in TOTALS for day in wanted]
        with self._app.desk.wire() as wire:
            counts = [as_number(one) for one in wire.command("MGET", *keys)]
        return [Day(day, *both) for day, *both in zip(wanted, counts[:days], counts[days:], strict=True)]

    def reset(self, *names: str) -> None:
        """Set totals back to 0; days stay.

        Args:
            names: ``"processed"``, ``"failed"``; both without any.

        Raises:
            InvalidOption: Another name.
            StoreError: Redis is away or refuses; it may be repeated.
        """
        unknown = [name for name in names if name not in TOTALS]
        if unknown:
            raise InvalidOption(f"{shown(unknown[0])} is no total: expected {' or '.join(map(repr, TOTALS))}")
        with self._app.desk.wire() as wire:
            wire.command("DEL", *[self._app.keys.stat(name) for name in names or TOTALS])

    def _ask(self, words: list[tuple[Any, ...]]) -> list[Any]:
        """One trip; None for what a key of another type answers."""
        with store_errors():
            pipe: Any = self._app.connections.admin().pipeline(transaction=False)
            for command in words:
                pipe.execute_command(*command)
            answers: list[Any] = pipe.execute(raise_on_error=False)
            for answer in answers:
                if isinstance(answer, Exception) and not is_wrong_type(answer):
                    raise answer
        return [None if isinstance(one, Exception) else one for one in answers]


def _parts(names: list[str]) -> list[list[str]]:
    return [names[k : k + QUEUES_A_CALL] for k in range(0, len(names), QUEUES_A_CALL)]


def _queues(names: list[str], answers: list[Any]) -> tuple[QueueInfo, ...]:
    now_s = clock.now_s()
    told = zip(names, answers[::2], answers[1::2], strict=True)
    found = [QueueInfo(name, size, waited_s(head, now_s)) for name, size, head in told]
    return tuple(sorted(found, key=lambda one: (-one.size, one.name)))
