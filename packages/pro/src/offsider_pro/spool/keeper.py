"""Keeps pushes on disk while Redis is away: the `Keeper` of one Redis and namespace. Delivers none itself."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakSet

from offsider.contract.undelivered import Undelivered
from offsider.errors import NotKept

from .file import SpoolFile
from .folder import SpoolFolder

if TYPE_CHECKING:
    from ..config import SpoolSettings

log = logging.getLogger("offsider.pro")

SEGMENT_BYTES = 16_000_000  # a file is removed as a whole: what was delivered of it takes no more of the disk than this


class SpoolKeeper:
    """Keeps pushes, in their order, until somebody delivers them.

    * a push is on disk when `keep` returns;
    * `holds` is true from the first push that is kept until the last one of this process was delivered;
    * a child of this process begins with nothing: what its parent keeps is its parent's.

    Args:
        folder: Where.
        settings: How much, and how long a push is tried.
        on_kept: Called after each one; begins to deliver.
        on_closed: Called before the files are let go; ends it.

    Attributes:
        patience_s, remember_s, holds: As the contract has them.
        folder: Where.
    """

    def __init__(
        self,
        folder: SpoolFolder,
        settings: SpoolSettings,
        on_kept: Callable[[], None],
        on_closed: Callable[[], None] = lambda: None,
    ) -> None:
        self.patience_s: float | None = settings.after_s
        self.remember_s = round(settings.remember_s)
        self.folder = folder
        self._settings = settings
        self._on_kept, self._on_closed = on_kept, on_closed
        self._begin()
        _keepers.add(self)

    def _begin(self) -> None:
        self.holds = False
        self._lock = threading.Lock()
        self._files: list[SpoolFile] = []
        self._pid = os.getpid()

    # -- keeping -------------------------------------------------------------------------------------------------

    def keep(self, push: Undelivered) -> None:
        """Keep a push.

        Raises:
            NotKept: The spool is full, or the disk; or it cannot be written.
        """
        try:
            with self._lock:
                self._check_room(push)
                file = self._current()
                end = file.write(push)
                first, self.holds = not self.holds, True
            try:
                file.sync(end)
            except OSError:
                self._on_kept()  # nothing was, but later pushes go behind it until somebody has seen that
                raise
        except OSError as error:
            raise NotKept(
                f"The spool {self.folder.path} does not take it: {error}. Make room, or set pro.spool.folder to a disk"
                " that has some"
            ) from error
        if first:
            log.warning("Redis is away: pushes are kept in %s, and are delivered once it is back", self.folder.path)
        self._on_kept()

    async def akeep(self, push: Undelivered) -> None:
        """`keep`, on an event loop, which does not wait for the disk."""
        await asyncio.to_thread(self.keep, push)

    def close(self) -> None:
        """Let go of the files: whoever looks next on this machine takes them over."""
        self._on_closed()
        with self._lock:
            files, self._files, self.holds = self._files, [], False
        for file in files:
            file.close()

    # -- delivering ----------------------------------------------------------------------------------------------

    def oldest(self) -> SpoolFile | None:
        """The file of this process that is to be delivered next."""
        with self._lock:
            return self._files[0] if self._files else None

    def finish(self, file: SpoolFile) -> bool:
        """Remove a file of this process when all of it was delivered; False when there is more in it."""
        with self._lock:
            if not file.is_done:
                return False
            file.end()
            if file in self._files:
                self._files.remove(file)
            self.holds = bool(self._files)
            return True

    # -- files ---------------------------------------------------------------------------------------------------

    def _current(self) -> SpoolFile:
        last = self._files[-1] if self._files else None
        if last is None or last.is_broken or last.size >= SEGMENT_BYTES:
            self.folder.make()
            last = SpoolFile.make(self.folder.path, self.folder.place)
            self._files.append(last)
        return last

    def _check_room(self, push: Undelivered) -> None:
        depth, most = self.folder.depth(), self._settings
        size = sum(len(word) for word in push.words if isinstance(word, (str, bytes)))
        if depth.jobs + push.jobs > most.most_jobs or depth.bytes + size > most.most_bytes:
            raise NotKept(
                f"The spool {self.folder.path} is full: it has {depth.jobs:,} jobs (at most {most.most_jobs:,}) in"
                f" {depth.bytes:,} bytes (at most {most.most_bytes:,}). Bring Redis back, or raise pro.spool.most_jobs"
                " or pro.spool.most_bytes"
            )

    def forget(self) -> None:
        """In a child after a fork: the locks are the parent's, and so is what it keeps."""
        files = self._files
        self._begin()
        for file in files:
            file.close()


_keepers: WeakSet[SpoolKeeper] = WeakSet()


def _forked() -> None:
    for keeper in list(_keepers):
        keeper.forget()


os.register_at_fork(after_in_child=_forked)
