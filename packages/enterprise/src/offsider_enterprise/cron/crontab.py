"""The crontab of an app, to look at and to change while everything runs."""

from __future__ import annotations

import getpass
import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from offsider import clock
from offsider.errors import InvalidOption, shown, suggest
from offsider.job.define import Enqueuer
from offsider.job.options import seconds
from offsider.shards import Shard

from ..config import settings_of
from .declared import declared
from .entry import DAY_S, RUN_TIME, Entry, check, job_of
from .missed import ONCE
from .run import Run
from .state import CronEntry, state_of
from .table import ANY, PAGE, Kept, Table

if TYPE_CHECKING:
    from offsider import App
    from offsider.store.wire import Wire

    from .fire import Fire

MOST_TEXT = 1000
DECLARED_S = 900.0
"""So long an entry counts as declared after a process has last said so; each says so every minute."""
TRIES = 5
KEEP: Any = object()


class Crontab:
    """Entries: five fields, a job and its arguments. Workers enqueue a job at each instant of an entry, once.

    * entries in code and in the settings are written when a worker starts; at run time they can be paused and run, and
      are changed where they are declared;
    * entries of run time are added, edited and deleted here, and with `offsider cron`;
    * several apps may share a namespace: each enqueues what it knows, and leaves the rest alone.

    Args:
        app: Whose; or one of its shards, to look and act by hand.

    Raises:
        EditionError: The app was made without this edition.

    Example:
        >>> crontab = Crontab(app)                                          # doctest: +SKIP
        >>> crontab.add("nightly", "shop.report", "0 3 * * *", zone="Europe/Berlin")    # doctest: +SKIP
        >>> crontab["nightly"].coming(2)                                    # doctest: +SKIP
    """

    def __init__(self, app: App | Shard) -> None:
        self._app = app
        self._table = Table(app)

    # -- looking -----------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """How many entries there are."""
        with self._wire() as wire:
            return self._table.names(wire, 0, 1)[1]

    def __bool__(self) -> bool:
        """Always True."""
        return True

    def __iter__(self) -> Iterator[CronEntry]:
        """All entries by name; in pages, while others may write."""
        first = 0
        while page := self.entries(first, PAGE):
            yield from page
            first += PAGE

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __getitem__(self, name: str) -> CronEntry:
        """One entry.

        Raises:
            KeyError: There is none of that name.
        """
        found = self.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def get(self, name: str) -> CronEntry | None:
        """One entry; None when there is none of that name.

        Raises:
            StoreError: Redis is away or refuses.
        """
        with self._wire() as wire:
            return next(map(state_of, self._table.read(wire, [name])), None)

    def entries(self, first: int = 0, count: int = 100) -> list[CronEntry]:
        """A page of entries, by name.

        Args:
            first: How many to pass over.
            count: How many at most; 500 at once.

        Raises:
            StoreError: Redis is away or refuses.
        """
        with self._wire() as wire:
            names, _total = self._table.names(wire, first, min(count, PAGE))
            return [state_of(kept) for kept in self._table.read(wire, names)]

    def history(self, name: str, count: int = 1000) -> list[Run]:
        """The last runs of an entry, the newest first; ``enterprise.cron_history`` of them are kept.

        Raises:
            StoreError: Redis is away or refuses.
        """
        with self._wire() as wire:
            return self._table.runs(wire, name, count)

    # -- entries of run time -------------------------------------------------------------------------------------

    def add(
        self,
        name: str,
        job: str | Enqueuer[Any, Any],
        cron: str,
        *,
        zone: str | None = None,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        missed: str = ONCE,
        window: float | timedelta = DAY_S,
        by: str | None = None,
    ) -> CronEntry:
        """Add an entry; it is enqueued from its next instant on.

        Args:
            name: Its name, which is new.
            job: The job, or its name.
            cron: Five fields.
            zone, options, missed, window: As of `Cron`.
            args, kwargs: The job's arguments.
            by: Who; the user and machine of this process when None.

        Raises:
            OffsiderError: Something of it cannot be; `InvalidOption` when the name is taken.
            StoreError: Redis is away or refuses.
        """
        found = job_of(self._app, job if isinstance(job, str) else job.job_name)
        wire_args, wire_kwargs = found.arguments.encode(tuple(args), dict(kwargs or {}))
        entry = Entry(
            name,
            found.name,
            cron,
            zone or settings_of(self._app).cron_zone,
            [*wire_args],
            {**wire_kwargs},
            {**(options or {})},
            missed,
            seconds(window, "window"),
            by=self._who(by),
        )
        check(self._app, entry)
        try:
            self._put(entry, over="")
        except LookupError:
            raise InvalidOption(
                f"there is a cron entry {name!r} already: edit it, delete it, or choose another name"
            ) from None
        return self[name]

    def edit(
        self,
        name: str,
        *,
        job: str | Enqueuer[Any, Any] = KEEP,
        cron: str = KEEP,
        zone: str = KEEP,
        args: Sequence[Any] = KEEP,
        kwargs: Mapping[str, Any] = KEEP,
        options: Mapping[str, Any] = KEEP,
        missed: str = KEEP,
        window: float | timedelta = KEEP,
        by: str | None = None,
    ) -> CronEntry:
        """Change an entry of run time: what is not given stays.

        With other fields or another zone it goes on from its next instant; what was missed before is not made up for.

        Raises:
            KeyError: There is none of that name.
            OffsiderError: Something of it cannot be; `InvalidOption` when it is declared in code or settings, or this
                version cannot read it.
        """
        given: dict[str, Any] = {
            "job": job if isinstance(job, str) or job is KEEP else job.job_name,
            "cron": cron, "zone": zone, "args": args, "kwargs": kwargs, "options": options, "missed": missed,
            "window_s": window if window is KEEP else seconds(window, "window"),
        }  # fmt: skip
        changes = {key: value for key, value in given.items() if value is not KEEP}
        for _ in range(TRIES):
            now, rev = self._to_edit(name)
            entry = replace(now, **self._encoded(now, changes), by=self._who(by))
            check(self._app, entry)
            try:
                self._put(entry, over=rev)
            except LookupError:
                continue  # somebody else was faster: their change stays, ours goes over it
            return self[name]
        raise InvalidOption(f"cron entry {name!r} is changed by others all the time: try again")

    def delete(self, name: str) -> bool:
        """Forget an entry, and its history.

        Returns:
            True when it was there.

        Raises:
            InvalidOption: A running process declares it.
            StoreError: Redis is away or refuses; it may be repeated.
        """
        with self._wire() as wire:
            done = self._table.delete(wire, name, DECLARED_S)
        if done < 0:
            raise InvalidOption(
                f"cron entry {name!r} is declared in the code or the settings of a process that runs: take it out"
                " there, or pause it. A quarter of an hour after the last such process has gone it can be deleted"
            )
        return bool(done)

    # -- all entries ---------------------------------------------------------------------------------------------

    def pause(self, name: str, *, reason: str = "", by: str | None = None) -> bool:
        """Enqueue nothing for an entry, until it is resumed; a deploy does not resume it.

        Returns:
            True when it went on until now.

        Raises:
            KeyError: There is none of that name.
            StoreError: Redis is away or refuses; it may be repeated.
        """
        if len(reason) > MOST_TEXT:
            raise InvalidOption(f"reason is {shown(reason)}: expected at most {MOST_TEXT} letters")
        note = json.dumps({"by": self._who(by), "reason": reason, "at": round(clock.now_s())}, ensure_ascii=False)
        with self._wire() as wire:
            done = self._table.pause(wire, name, note)
        if done < 0:
            raise KeyError(name)
        return bool(done)

    def resume(self, name: str) -> bool:
        """Let an entry go on, from its next instant; what has passed meanwhile is not made up for.

        Returns:
            True when it was paused.

        Raises:
            KeyError: There is none of that name.
            InvalidOption: This version cannot read the entry.
            StoreError: Redis is away or refuses; it may be repeated.
        """
        with self._wire() as wire:
            for _ in range(TRIES):
                kept = self._kept(wire, name)
                done = self._table.resume(wire, name, kept.rev, _readable(kept).schedule.after(_now_s(wire)))
                if done >= 0:
                    return bool(done)
        raise InvalidOption(f"cron entry {name!r} is changed by others all the time: try again")

    def run(self, name: str, *, by: str | None = None) -> str | None:
        """Enqueue a run now, paused or not; the entry is due when it was.

        Returns:
            The job's id; None when a client middleware stopped it, or the job is unique and there is one.

        Raises:
            KeyError: There is none of that name.
            OffsiderError: The job cannot be enqueued, e.g. since this app does not know it.
        """
        with self._wire() as wire:
            entry, now_s = _readable(self._kept(wire, name)), _now_s(wire)
        fire = self._fire()
        try:
            return fire.by_hand(entry, now_s, self._who(by))
        finally:
            fire.close()

    def declare(self) -> dict[str, Entry]:
        """Write what the code and the settings declare; a worker does it when it starts. All of it is checked first.

        Returns:
            The entries, by name.

        Raises:
            OffsiderError: An entry cannot be; nothing was written.
            StoreError: Redis is away or refuses; it may be repeated.
        """
        if isinstance(self._app, Shard):
            raise InvalidOption("a shard declares nothing: its workers do, which serve it")
        entries = declared(self._app)
        if entries:
            with self._wire() as wire:
                now_s = _now_s(wire)
                for entry in entries.values():
                    self._table.put(wire, entry, entry.schedule.after(now_s), over=ANY)
        return entries

    # -- steps -------------------------------------------------------------------------------------------------

    @contextmanager
    def _wire(self) -> Iterator[Wire]:
        with self._app.desk.wire() as wire:
            yield wire

    def _fire(self) -> Fire:
        from ..parts import parts_of
        from .fire import Fire

        app = self._app
        if isinstance(app, Shard):
            return Fire(app.app, parts_of(app.app).cron, app)
        return Fire(app, parts_of(app).cron)

    def _put(self, entry: Entry, *, over: str) -> None:
        with self._wire() as wire:
            self._table.put(wire, entry, entry.schedule.after(_now_s(wire)), over=over)

    def _kept(self, wire: Wire, name: str) -> Kept:
        kept = next(self._table.read(wire, [name]), None)
        if kept is None:
            raise KeyError(name)
        return kept

    def _to_edit(self, name: str) -> tuple[Entry, str]:
        """An entry of run time, and its revision."""
        with self._wire() as wire:
            kept = self._kept(wire, name)
        if kept.source != RUN_TIME:
            raise InvalidOption(
                f"cron entry {name!r} is declared in {kept.source}: it is edited there, or paused and run from here"
            )
        return _readable(kept), kept.rev

    def _encoded(self, entry: Entry, changes: dict[str, Any]) -> dict[str, Any]:
        """Arguments as JSON, when they are given."""
        if changes.keys() & {"args", "kwargs", "job"}:
            job = job_of(self._app, changes.get("job", entry.job))
            args, kwargs = changes.get("args", entry.args), changes.get("kwargs", entry.kwargs)
            if "args" in changes or "kwargs" in changes:
                args, kwargs = job.arguments.encode(tuple(args), dict(kwargs))
            changes = {**changes, "args": [*args], "kwargs": {**kwargs}}
        return changes

    @staticmethod
    def _who(by: str | None) -> str:
        if by is None:
            try:
                by = f"{getpass.getuser()}@{socket.gethostname()}"
            except (OSError, KeyError):  # a user without a name
                by = socket.gethostname()
        if len(by) > MOST_TEXT:
            raise InvalidOption(f"by is {shown(by)}: expected at most {MOST_TEXT} letters")
        return by


def missing(name: str, known: Sequence[str]) -> str:
    """What to say of a name that no entry has."""
    return f"there is no cron entry {shown(name)}.{suggest(name, known)}"


def _readable(kept: Kept) -> Entry:
    if kept.entry is None:
        raise InvalidOption(
            f"cron entry {kept.name!r} cannot be read here: a later version has written it, or another program."
            " Upgrade this process, or delete the entry"
        )
    return kept.entry


def _now_s(wire: Wire) -> float:
    """By the server's clock: which instant is next is not to depend on this machine's."""
    found, microseconds = wire.command("TIME")
    return int(found) + int(microseconds) / 1e6
