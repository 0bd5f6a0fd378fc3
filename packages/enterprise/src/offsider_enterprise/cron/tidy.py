"""The leader's duty to forget entries that nobody has declared for a month: code that is gone leaves none behind."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ..keys import EnterpriseKeys
from ..leader.fence import fenced
from ..scripts import load

if TYPE_CHECKING:
    from offsider import App

    from ..leader.leadership import Term

log = logging.getLogger("offsider.enterprise")

EVERY_S = 3600.0
MONTH_S = 30 * 86_400
AT_ONCE = 100


class Tidy:
    """Forgets them, a hundred at once. Entries of run time stay until somebody deletes them.

    Args:
        app: Whose.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._delete = fenced("cron_delete", load("cron_delete").text)

    def __call__(self, term: Term) -> None:
        """Do it once."""
        own = EnterpriseKeys(self._app.keys)
        with self._app.desk.wire() as wire:
            now_s = int(wire.command("TIME")[0])
            old = wire.command("ZRANGEBYSCORE", own.cron_declared, "-inf", now_s - MONTH_S, "LIMIT", 0, AT_ONCE)
        for raw in old:
            name = raw.decode("utf-8", "replace")
            keys = [own.cron_names, own.cron_due, own.cron_declared, own.cron_entry(name), own.cron_runs(name)]
            if term.run(self._delete, keys, [name, MONTH_S]) == 1:
                log.warning("cron entry %r is forgotten: no process has declared it for 30 days", name)
