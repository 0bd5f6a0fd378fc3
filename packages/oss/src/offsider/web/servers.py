"""Which of the servers that the pages can show the address means: the app's own, a shard, or an edition's."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ..contract.seams import Registry
from ..contract.web import SERVER, Asker, Server
from ..errors import shown

if TYPE_CHECKING:
    from ..app import App

HOME = ""


def add_own(servers: Registry[Server], app: App) -> None:
    """The app itself, without a name, and its shards."""
    servers.add(HOME, lambda: app, by="offsider")
    for name in app.settings.shards:
        servers.add(name, partial(app.shard, name), by="offsider")


def chosen(servers: Registry[Server], asker: Asker) -> Any:
    """The app or the shard that the address names; the app itself when it names none.

    Raises:
        LookupError: There is none of that name.
    """
    wanted, known = asker.query(SERVER), dict(servers.items())
    if wanted in known:
        return known[wanted]()
    names = ", ".join(filter(None, known)) or "none: only the app's own Redis is shown"
    raise LookupError(f"there is no server {shown(wanted)}: expected one of {names}")
