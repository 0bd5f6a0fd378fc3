"""Brings what was measured into Redis, hour by hour, and reads it. Measures nothing."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from offsider import clock
from offsider.errors import InvalidOption, StoreError, shown

from ..keys import ProKeys
from ..scripts import script_of
from .usage import NAMES, Usage

if TYPE_CHECKING:
    from offsider import App
    from offsider.store.wire import Argument

    from .meter import UsageMeter

log = logging.getLogger("offsider.pro")

HOURS = 72
HOUR_S = 3600
KEPT_S = (HOURS + 1) * HOUR_S
NAMES_A_TRIP = 100
LEAST_ALONE = 10
READ_TIMEOUT_S = 10.0
WRITE_TIMEOUT_S = 2.0  # the heartbeat waits for it


@dataclass(frozen=True, slots=True)
class JobCost:
    """What one run of a class costs, on average over those that were measured.

    Attributes:
        name: Of the job.
        measured: How many runs were measured.
        wall_ms, cpu_ms: How long a run takes, and for how much of that it uses a processor.
        growth_bytes: By how much its process grows with a run; None where the system does not say.
        blocks: How many blocks of Python's objects a run leaves behind.
        exact: True when memory and blocks are of runs that were alone in their process; else they are the shares of
            runs in company.
    """

    name: str
    measured: int
    wall_ms: float
    cpu_ms: float
    growth_bytes: float
    blocks: float
    exact: bool

    @property
    def cpu_share(self) -> float:
        """Which part of its time a run uses a processor; the rest it waits."""
        return self.cpu_ms / self.wall_ms if self.wall_ms else 0.0

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {**asdict(self), "cpu_share": self.cpu_share}


class WorkerMetrics:
    """What jobs cost their workers.

    Args:
        app: Whose jobs.

    Raises:
        EditionError: The app was made without this edition.

    Example:
        >>> for cost in WorkerMetrics(app).jobs(hours=24):          # doctest: +SKIP
        ...     print(cost.name, cost.cpu_ms, cost.growth_bytes)
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._script = script_of(app, "usage")
        self._keys = ProKeys(app.keys)

    def jobs(self, *, hours: int = 24) -> list[JobCost]:
        """The cost of each class, those that use the most processor time a run first.

        Args:
            hours: Over how many, this one included; at most 72.

        Raises:
            InvalidOption: ``hours`` is no such number.
            StoreError: Redis is away or refuses.
        """
        if type(hours) is not int or not 1 <= hours <= HOURS:
            raise InvalidOption(f"hours is {shown(hours)}: expected a whole number from 1 to {HOURS}")
        usages: dict[str, Usage] = {}
        for name, usage in self._read(hours):
            usages.setdefault(name, Usage()).add(usage)
        costs = [cost_of(name, usage) for name, usage in usages.items() if usage.runs > 0]
        return sorted(costs, key=lambda cost: (-cost.cpu_ms, cost.name))

    def write(self, meter: UsageMeter) -> None:
        """Bring what a meter has summed up; what cannot be brought now comes with the next time."""
        left = meter.take()
        if not left:
            return
        wire = self._app.connections.wire("usage", read_timeout_s=WRITE_TIMEOUT_S, connect_timeout_s=WRITE_TIMEOUT_S)
        try:
            while left:
                some = dict(itertools.islice(left.items(), NAMES_A_TRIP))
                words: list[Argument] = [KEPT_S, *_words(some)]
                wire.run(self._script, [self._keys.usage(_hour())], words)
                for name in some:
                    del left[name]
        except StoreError as error:
            log.warning("what jobs cost could not be written (%s); again with the next heartbeat", error)
            meter.give_back(left)
        finally:
            wire.close()

    def _read(self, hours: int) -> Iterator[tuple[str, Usage]]:
        wire = self._app.connections.wire("usage", read_timeout_s=READ_TIMEOUT_S)
        try:
            for hour in range(_hour() - hours + 1, _hour() + 1):
                yield from _usages(wire.command("HGETALL", self._keys.usage(hour)))
        finally:
            wire.close()


def cost_of(name: str, usage: Usage) -> JobCost:
    """Averages of sums."""
    exact = usage.alone >= LEAST_ALONE or (usage.alone > 0 and not usage.shared)
    memory, blocks, runs = (
        (usage.memory, usage.blocks, usage.alone)
        if exact
        else (usage.memory + usage.shared_memory, usage.blocks + usage.shared_blocks, usage.alone + usage.shared)
    )
    return JobCost(
        name,
        usage.runs,
        wall_ms=usage.wall_us / usage.runs / 1000,
        cpu_ms=usage.cpu_us / usage.runs / 1000,
        growth_bytes=memory / max(1, runs),
        blocks=blocks / max(1, runs),
        exact=exact,
    )


def _hour() -> int:
    return int(clock.now_s()) // HOUR_S


def _words(usages: dict[str, Usage]) -> Iterator[Argument]:
    for name, usage in usages.items():
        for part in NAMES:
            if by := getattr(usage, part):
                yield f"{part}|{name}"
                yield by


def _usages(reply: Any) -> Iterator[tuple[str, Usage]]:
    """A hash, flat by RESP2 and a dictionary by RESP3; what is none of ours is left out."""
    pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
    for field, value in pairs:
        part, bar, name = field.decode("utf-8", "replace").partition("|")
        if bar and part in NAMES and value.lstrip(b"-").isdigit():
            yield name, Usage(**{part: int(value)})
