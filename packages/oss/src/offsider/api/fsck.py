"""Checks what must hold in Redis, on a living system, and mends what can be mended without losing a job."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..contract.findings import Breach, Invariant, KeyKind
from ..store.keys import Keys
from ..store.layout import kinds
from .invariants import Scene, breaches

if TYPE_CHECKING:
    from ..app import App

MOST_BREACHES = 1000


@dataclass(frozen=True, slots=True)
class Checked:
    """One breach, and what became of it.

    Attributes:
        breach: What does not hold.
        mended: True when it does now.
    """

    breach: Breach
    mended: bool

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        one = self.breach
        return {
            "rule": one.rule, "says": one.says, "advice": one.advice, "note": one.note,
            "mendable": one.mend is not None, "mended": self.mended,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Checkup:
    """What a check has found.

    Attributes:
        found: Up to 1,000 breaches.
        breaches, mended, notes: How many there were in all; of ``breaches``, how many hold now; notes are apart.
        keys, jobs: How many keys and jobs were looked at.
        unread: How many entries were no job: a worker that meets one puts it into quarantine.
    """

    found: tuple[Checked, ...]
    breaches: int
    mended: int
    notes: int
    keys: int
    jobs: int
    unread: int

    @property
    def clean(self) -> bool:
        """True when all holds (now)."""
        return self.breaches == self.mended

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "clean": self.clean, "breaches": self.breaches, "mended": self.mended, "notes": self.notes,
            "keys": self.keys, "jobs": self.jobs, "unread": self.unread,
            "found": [one.to_dict() for one in self.found],
        }  # fmt: skip


class CoreInvariants(Invariant):
    """The free edition's own. Its rules are looked at with the kinds of keys of all."""

    def kinds(self, keys: Keys) -> Iterable[KeyKind]:
        """What it, and Sidekiq, write."""
        return kinds(keys)


CORE: dict[str, Invariant] = {"core": CoreInvariants()}


def fsck(app: App, *, mend: bool = False) -> Checkup:
    """Check everything in an app's namespace.

    It reads every key and every job once, in pages, while workers go on; what was wrong is looked at again before it
    is told. A million jobs take about ten seconds of a processor and some megabytes of memory: ids are noted on disk.

    Args:
        app: Whose namespace.
        mend: Put right what can be put right without losing a job.

    Returns:
        What does not hold, and what was mended.

    Raises:
        StoreError: Redis is away or refuses; what was mended is mended, and it may be repeated.

    Example:
        >>> from offsider.api.fsck import fsck
        >>> fsck(app).clean                                 # doctest: +SKIP
        True
    """
    with app.desk.wire() as wire:
        scene = Scene(wire, app.keys, known_kinds(app))
        tally = Tally()
        for breach in _all(app, scene):
            tally.take(breach, mend=mend)
        census = scene.census
        return Checkup(
            tuple(tally.kept), tally.breaches, tally.mended, tally.notes, scene.seen,
            census.jobs if census else 0, census.unread if census else 0,
        )  # fmt: skip


def known_kinds(app: App) -> tuple[KeyKind, ...]:
    """The kinds of keys that the core and all editions of an app write."""
    return tuple(kind for _name, one in app.invariants.items() for kind in one.kinds(app.keys))


def _all(app: App, scene: Scene) -> Iterator[Breach]:
    yield from breaches(scene)
    yield from (breach for _name, one in app.invariants.items() for breach in one.breaches(app))


class Tally:
    """Counts breaches, keeps the first of them, and mends."""

    def __init__(self) -> None:
        self.kept: list[Checked] = []
        self.breaches = 0
        self.mended = 0
        self.notes = 0

    def take(self, breach: Breach, *, mend: bool) -> None:
        """One more."""
        done = mend and breach.mend is not None and breach.mend()
        if breach.note:
            self.notes += 1
        else:
            self.breaches += 1
            self.mended += done
        if len(self.kept) < MOST_BREACHES:
            self.kept.append(Checked(breach, done))
