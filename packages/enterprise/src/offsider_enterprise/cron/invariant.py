"""What must hold in the crontab, and which keys it has: for the doctor and for fsck."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from offsider.contract.findings import Breach, Invariant, KeyKind
from offsider.store.keys import Keys

from ..keys import EnterpriseKeys
from .table import PAGE, Kept, Table

if TYPE_CHECKING:
    from offsider.store.wire import Wire

NAME = r"[A-Za-z0-9_.:-]{1,128}"
RULE = "crontab"


class CronInvariant(Invariant):
    """Each entry is due or paused, and what is due is an entry. All of it can be mended: no job lies in the crontab."""

    def kinds(self, keys: Keys) -> Iterable[KeyKind]:
        """Each with its type."""
        ours = EnterpriseKeys(keys)
        return [
            KeyKind("cron names", re.escape(ours.cron_names), "zset"),
            KeyKind("cron due", re.escape(ours.cron_due), "zset"),
            KeyKind("cron declared", re.escape(ours.cron_declared), "zset"),
            KeyKind("cron entry", re.escape(ours.cron_entry("")) + NAME, "hash"),
            KeyKind("cron runs", re.escape(ours.cron_runs("")) + NAME, "zset"),
        ]

    def breaches(self, app: Any) -> Iterator[Breach]:
        """Looked at in pages, and once more before it is told."""
        table = Table(app)
        with app.desk.wire() as wire:
            for name in _listed(wire, table.keys.cron_names):
                kept = _kept(table, wire, name)
                if kept is None:
                    yield self._leftover(app, table, table.keys.cron_names, name)
                elif kept.note is None and kept.due_s is None and kept.entry is not None:
                    yield self._never(app, table, kept)
            for name in _listed(wire, table.keys.cron_due):
                if _kept(table, wire, name) is None:
                    yield self._leftover(app, table, table.keys.cron_due, name)

    @staticmethod
    def _leftover(app: Any, table: Table, key: str, name: str) -> Breach:
        def mend() -> bool:
            with app.desk.wire() as wire:
                return _kept(table, wire, name) is None and bool(wire.command("ZREM", key, name))

        return Breach(RULE, f"{key} has {name!r}, which is no entry of the crontab", "It does nothing", mend=mend)

    @staticmethod
    def _never(app: Any, table: Table, kept: Kept) -> Breach:
        def mend() -> bool:
            assert kept.entry is not None
            next_s = kept.entry.schedule.after(kept.now_s)
            with app.desk.wire() as wire:
                return bool(wire.command("ZADD", table.keys.cron_due, "NX", next_s, kept.name))

        says = f"cron entry {kept.name!r} goes on and is never due"
        return Breach(RULE, says, "Let it be due at its next instant", mend=mend)


def _listed(wire: Wire, key: str) -> Iterator[str]:
    first = 0
    while page := wire.command("ZRANGE", key, first, first + PAGE - 1):
        yield from (name.decode("utf-8", "replace") for name in page)
        first += PAGE


def _kept(table: Table, wire: Wire, name: str) -> Kept | None:
    return next(table.read(wire, [name]), None)
