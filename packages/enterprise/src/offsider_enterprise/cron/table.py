"""Reads and writes entries in Redis: one script a question. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offsider.errors import InvalidOption

from ..keys import EnterpriseKeys
from ..scripts import script_of
from .entry import Entry, read_entry
from .run import Run, read_run

if TYPE_CHECKING:
    from offsider import App
    from offsider.shards import Shard
    from offsider.store.wire import Argument, Wire

MOST_ENTRIES = 100_000
PAGE = 500
WORDS = 7  # of an entry, in the reply of cron_read
ANY = "*"


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry as it lies in Redis.

    Attributes:
        name: Its name.
        entry: What it says; None when this version cannot read it.
        rev: Its revision.
        source: Where it was written.
        note: Of its pause: by whom, when and why, as JSON; None when it goes on.
        due_s: When it is due next; None when it is paused.
        declared_s: When a process last said that its code or settings have it; None when none ever did.
        last: Its last run.
        now_s: When all this was so, by the server's clock.
    """

    name: str
    entry: Entry | None
    rev: str
    source: str
    note: bytes | None
    due_s: float | None
    declared_s: float | None
    last: Run | None
    now_s: float


class Table:
    """The crontab of one namespace.

    Args:
        app: Whose.
    """

    def __init__(self, app: App | Shard) -> None:
        self.keys = EnterpriseKeys(app.keys)
        names = ("put", "due", "read", "pause", "resume", "delete", "plan", "affirm")
        self._scripts = {name: script_of(app, f"cron_{name}") for name in names}

    def put(self, wire: Wire, entry: Entry, next_s: float, *, over: str) -> bool:
        """Write an entry; True when something has changed.

        Args:
            wire: A connection.
            entry: What is to be written.
            next_s: When it is due next, if its times are new.
            over: The revision that it replaces; empty for a new one, `ANY` for whichever.

        Raises:
            LookupError: Another revision is there.
            InvalidOption: There are too many entries.
        """
        keys = [self.keys.cron_names, self.keys.cron_due, self.keys.cron_entry(entry.name), self.keys.cron_declared]
        words: list[Argument] = [entry.name, over, entry.rev, entry.to_json(), entry.times, entry.source]
        done = int(wire.run(self._scripts["put"], keys, [*words, next_s, MOST_ENTRIES]))
        if done == -1:
            raise LookupError(entry.name)
        if done == -2:
            raise InvalidOption(f"the crontab has {MOST_ENTRIES:,} entries already: delete some of them")
        return bool(done)

    def due(self, wire: Wire, skip: int) -> tuple[float, float | None, list[tuple[str, float]]]:
        """The server's time, when the next entry is due that is not now, and up to 500 that are."""
        now, later, *found = wire.run(self._scripts["due"], [self.keys.cron_due], [skip, PAGE])
        names = [name.decode("utf-8", "replace") for name in found[::2]]
        return float(now), float(later) if later else None, list(zip(names, map(float, found[1::2]), strict=True))

    def read(self, wire: Wire, names: Sequence[str]) -> Iterator[Kept]:
        """Entries by name; those that are not there are left out."""
        for k in range(0, len(names), PAGE):
            some = names[k : k + PAGE]
            keys = [self.keys.cron_due, self.keys.cron_declared]
            for name in some:
                keys += (self.keys.cron_entry(name), self.keys.cron_runs(name))
            now_s, *words = wire.run(self._scripts["read"], keys, [*some])
            for n, name in enumerate(some):
                kept = words[n * WORDS : (n + 1) * WORDS]
                if kept[1] is not None:
                    yield _kept(name, kept, float(now_s))

    def pause(self, wire: Wire, name: str, note: str) -> int:
        """1 when it went on until now, 0 when it was paused, -1 when it is not there."""
        return int(wire.run(self._scripts["pause"], [self.keys.cron_due, self.keys.cron_entry(name)], [name, note]))

    def resume(self, wire: Wire, name: str, rev: str, next_s: float) -> int:
        """1 when it was paused, 0 when not, -1 when it is another one now."""
        keys = [self.keys.cron_due, self.keys.cron_entry(name)]
        return int(wire.run(self._scripts["resume"], keys, [name, rev, next_s]))

    def delete(self, wire: Wire, name: str, fresh_s: float) -> int:
        """1 when it was there, 0 when not, -1 when it was declared within ``fresh_s``."""
        own = self.keys
        keys = [own.cron_names, own.cron_due, own.cron_declared, own.cron_entry(name), own.cron_runs(name)]
        return int(wire.run(self._scripts["delete"], keys, [name, fresh_s]))

    def plan(self, wire: Wire, kept: Kept, instants: Sequence[int]) -> float | None:
        """Put an entry to the first of these instants that had no run; None when nothing was changed."""
        own, name = self.keys, kept.name
        keys = [own.cron_due, own.cron_entry(name), own.cron_runs(name)]
        said = wire.run(self._scripts["plan"], keys, [name, kept.rev, kept.due_s or 0, *instants])
        return float(said) if said else None

    def affirm(self, wire: Wire, names: Sequence[str]) -> int:
        """Say that this process declares them; how many of them are there."""
        pages = [names[k : k + PAGE] for k in range(0, len(names), PAGE)]
        return sum(int(wire.run(self._scripts["affirm"], [self.keys.cron_declared], [*page])) for page in pages)

    def names(self, wire: Wire, first: int, count: int) -> tuple[list[str], int]:
        """Names in order, and how many there are in all."""
        found = wire.command("ZRANGE", self.keys.cron_names, first, first + count - 1)
        return [name.decode("utf-8", "replace") for name in found], int(wire.command("ZCARD", self.keys.cron_names))

    def runs(self, wire: Wire, name: str, count: int) -> list[Run]:
        """The last runs of an entry, the newest first."""
        found = wire.command("ZRANGE", self.keys.cron_runs(name), 0, count - 1, "REV")
        return [run for raw in found if (run := read_run(raw)) is not None]


def _kept(name: str, words: Sequence[bytes | None], now_s: float) -> Kept:
    text, rev, source, note, due, declared, last = words
    where = (source or b"").decode("utf-8", "replace")
    return Kept(
        name,
        None if text is None else read_entry(name, where, text),
        (rev or b"").decode("utf-8", "replace"),
        where,
        note,
        None if due is None else float(due),
        None if declared is None else float(declared),
        None if last is None else read_run(last),
        now_s,
    )
