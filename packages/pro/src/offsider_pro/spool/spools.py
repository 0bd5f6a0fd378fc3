"""The spools of one app: one for each Redis and namespace that it pushes to. Keeps and delivers nothing itself."""

from __future__ import annotations

import importlib.util
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .folder import Depth, SpoolFolder, default_root

if TYPE_CHECKING:
    from offsider import App
    from offsider.store.connection import Connections
    from offsider.store.keys import Keys
    from offsider.store.wire import Wire

    from ..config import SpoolSettings
    from .delivery import Delivery
    from .keeper import SpoolKeeper

log = logging.getLogger("offsider.pro")

READ_TIMEOUT_S = 5.0


@dataclass(slots=True)
class Spool:
    """One spool, and who delivers it."""

    keeper: SpoolKeeper
    make_delivery: Callable[[], Delivery]
    delivery: Delivery | None = None
    pid: int = 0


class Spools:
    """The spools of an app.

    Args:
        app: Whose.
        told: Called with the number of jobs after each push that was delivered.
    """

    def __init__(self, app: App, told: Callable[[int], None]) -> None:
        self._app = app
        self._told = told
        self._lock = threading.Lock()
        self._spools: dict[Path, Spool] = {}

    @property
    def settings(self) -> SpoolSettings:
        """What is set under ``pro.spool``."""
        settings: Any = self._app.settings
        spool: SpoolSettings = settings.pro.spool
        return spool

    @property
    def root(self) -> Path:
        """The folder of all spools of this machine."""
        return Path(self.settings.folder).expanduser() if self.settings.folder else default_root()

    def keeper(self, _app: Any, connections: Connections, keys: Keys) -> SpoolKeeper | None:
        """Who keeps what this Redis does not answer; nobody when that is switched off. Fills the slot `undelivered`."""
        if not self.settings.enabled or not _has_locks():
            return None
        folder = SpoolFolder(self.root, connections.url, keys.prefix)
        with self._lock:
            spool = self._spools.get(folder.path)
            if spool is None:
                spool = self._spools[folder.path] = self._made(folder, connections, keys)
        if folder.files():
            folder.sweep()
            self.deliver(folder.path)
        if not folder.is_writable:
            log.warning(
                "the spool %s cannot be written: pushes that Redis does not answer are errors. Set pro.spool.folder",
                folder.path,
            )
        return spool.keeper

    def _made(self, folder: SpoolFolder, connections: Connections, keys: Keys) -> Spool:
        from .keeper import SpoolKeeper

        path = folder.path
        keeper = SpoolKeeper(folder, self.settings, lambda: self.deliver(path), lambda: self.halt(path))

        def make_delivery() -> Delivery:
            from offsider.store.composer import Composer

            from .delivery import Delivery  # only who has something to deliver needs the loop of a service

            def make_wire() -> Wire:
                return connections.wire("spool", read_timeout_s=READ_TIMEOUT_S)

            composer = Composer(self._app.effects, keys)
            return Delivery(keeper, make_wire, self._app.scripts["push"], composer, keys, self._told)

        return Spool(keeper, make_delivery)

    def deliver(self, path: Path) -> None:
        """Deliver what is in a spool, in the background, from now on."""
        spool = self._spools[path]
        with self._lock:
            delivery = spool.delivery
            if delivery is None or delivery.stopping or spool.pid != os.getpid():
                delivery, spool.pid = spool.make_delivery(), os.getpid()
                try:
                    delivery.start()
                except RuntimeError as error:  # the interpreter ends; what is kept is kept
                    log.warning("what is kept in %s waits for the next process: %s", path, error)
                    return
                spool.delivery = delivery
        delivery.wake()

    def halt(self, path: Path, timeout_s: float = 2.0) -> None:
        """Deliver no more of a spool, until something is kept in it again."""
        spool = self._spools.get(path)
        if spool is None:
            return  # it is switched off, or nobody has asked for it
        delivery, spool.delivery = spool.delivery, None
        if delivery is not None and spool.pid == os.getpid():
            delivery.stop(timeout_s)

    # -- questions -----------------------------------------------------------------------------------------------

    def places(self) -> list[tuple[Connections, Keys]]:
        """Every Redis and namespace that the app pushes to."""
        app = self._app
        shards = [app.shard(name) for name in app.settings.shards]
        return [(app.connections, app.keys), *((shard.connections, shard.keys) for shard in shards)]

    def folders(self) -> list[SpoolFolder]:
        """Their folders."""
        return [SpoolFolder(self.root, connections.url, keys.prefix) for connections, keys in self.places()]

    def depth(self) -> Depth:
        """How much waits on this machine, in all of them."""
        total = Depth()
        for folder in self.folders():
            one = folder.depth()
            total.jobs += one.jobs
            total.bytes += one.bytes
            total.files += one.files
            total.oldest_s = max(total.oldest_s, one.oldest_s)
            total.refused += one.refused
            total.damaged += one.damaged
            total.newer += one.newer
        return total


@cache
def _has_locks() -> bool:
    """False on a system where a file's lock does not end with its process."""
    if importlib.util.find_spec("fcntl") is None:
        log.warning("there is no spool on this system: pushes that Redis does not answer are errors of their callers")
        return False
    return True


class SpoolService:
    """In a worker: what dead processes of this machine have left is delivered, also when this one pushes nothing."""

    def __init__(self, spools: Spools) -> None:
        self._spools = spools

    def start(self) -> None:
        """Begin."""
        for connections, keys in self._spools.places():
            keeper = self._spools.keeper(None, connections, keys)
            if keeper is not None:
                self._spools.deliver(keeper.folder.path)

    def stop(self, timeout_s: float = 5.0) -> None:
        """End; what is left waits for the next process."""
        for folder in self._spools.folders():
            self._spools.halt(folder.path, timeout_s)
