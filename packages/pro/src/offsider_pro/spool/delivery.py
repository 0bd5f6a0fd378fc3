"""Delivers what is kept on this machine for one Redis and namespace: this process's pushes, and those of dead ones."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from offsider import clock
from offsider.client.called import STATUS_WORDS, WORDS_OF_A_REFUSAL
from offsider.errors import StoreError
from offsider.worker.service import PeriodicService

from .file import SpoolFile
from .frames import Entry, Newer

if TYPE_CHECKING:
    from pathlib import Path

    from offsider.contract.undelivered import Undelivered
    from offsider.store.composer import Composer
    from offsider.store.keys import Keys
    from offsider.store.scripts import Script
    from offsider.store.wire import Wire

    from .keeper import SpoolKeeper

log = logging.getLogger("offsider.pro")

EVERY_S = 5.0
LONGEST_PAUSE_S = 1.0
SETTLE_EVERY = 200
MOST_SHOWN = 20
# The lane of a file is asked for when a delivery was interrupted, by whoever finds the file: much later, perhaps.
FILE_LANE_S = 30 * 86_400


class Delivery(PeriodicService):
    """Sends pushes in their order, one request each, again and again until Redis has answered.

    * pushes of one file go under the file's lane and their number in it, those in doubt under their own lane: whoever
      repeats them puts nothing twice;
    * what Redis takes for wrong is put aside, and the others go on;
    * a file is removed when all of it was delivered.

    Args:
        keeper: What this process keeps, and where.
        make_wire: A connection.
        script: The app's ``push``.
        composer: The app's effects, for pushes with calls of them.
        keys: Of the namespace.
        told: Called with the number of jobs after each push that was delivered.
    """

    name = "spool"

    def __init__(
        self,
        keeper: SpoolKeeper,
        make_wire: Callable[[], Wire],
        script: Script,
        composer: Composer,
        keys: Keys,
        told: Callable[[int], None],
    ) -> None:
        super().__init__(longest_pause_s=LONGEST_PAUSE_S)
        self._keeper = keeper
        self._make_wire = make_wire
        self._script, self._composer = script, composer
        self._keys = keys
        self._told = told
        self._wire: Wire | None = None
        self._poked = threading.Event()
        self._said: set[Path] = set()

    def tick(self) -> float:
        """Deliver everything there is."""
        while (file := self._keeper.oldest()) is not None and not self.stopping:
            self._deliver(file)
            if not self._keeper.finish(file) and file.first() is None:
                break  # somebody is about to bring more to disk, and pokes us then
        for path in self._keeper.folder.files():
            if self.stopping:
                break
            self._take_over(path)
        return EVERY_S

    def wake(self) -> None:
        """Look now."""
        self._poked.set()

    def pause(self, seconds: float) -> None:
        """Wait for somebody who has kept something."""
        if not self.stopping:
            self._poked.wait(seconds)
        self._poked.clear()

    def release(self) -> None:
        """Drop the connection."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    # -- one file ------------------------------------------------------------------------------------------------

    def _take_over(self, path: Path) -> None:
        try:
            file = SpoolFile.take(path)
        except (Newer, OSError) as error:
            self._say(path, error)
            return
        if file is None:
            return
        if file.about["prefix"] != self._keys.prefix:
            file.close()
            self._say(path, f"its keys begin with {file.about['prefix']!r}, and those here with {self._keys.prefix!r}")
            return
        try:
            if file.jobs_left:
                log.info("the spool file %s is nobody's any more: its %d jobs are delivered", path, file.jobs_left)
            self._deliver(file)
            if file.first() is None:
                file.end()
        finally:
            file.close()

    def _say(self, path: Path, why: object) -> None:
        if path not in self._said:
            self._said.add(path)
            log.error("the spool file %s stays as it is: %s", path, why)

    def _deliver(self, file: SpoolFile) -> None:
        jobs = sent = 0
        try:
            while not self.stopping and (found := file.first()) is not None:
                entry, end = found
                self._send(file, entry)
                file.advance(entry, end)
                jobs, sent = jobs + entry.push.jobs, sent + 1
                if not sent % SETTLE_EVERY:
                    file.settle()
        finally:
            if sent:
                file.settle()
                log.info("%d jobs that were kept while Redis was away are in their queues", jobs)

    def _send(self, file: SpoolFile, entry: Entry) -> None:
        push = entry.push
        if push.in_doubt:
            self._check_age(entry)
        else:
            push.under(self._keys, str(file.about["lane"]), entry.number, FILE_LANE_S)
        if self._wire is None:
            self._wire = self._make_wire()
        try:
            script = self._script if push.memory is None else self._composer.script(self._script)
            # One that stopped halfway would be taken for done, should we die before it is put aside.
            reply = self._wire.run(script, push.keys, push.looking)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever Redis says of this push, the others go on
            self._put_aside(entry, error)
            return
        refused = (len(reply) - STATUS_WORDS) // WORDS_OF_A_REFUSAL if isinstance(reply, list) else 0
        if refused:
            log.info("%d of the jobs %s were refused in Redis, and are dropped", refused, ", ".join(_ids(push)))
        self._told(push.jobs - refused)

    def _check_age(self, entry: Entry) -> None:
        age_s = clock.now_s() - entry.at_ms / 1000
        if age_s > self._keeper.remember_s:
            log.warning(
                "the jobs %s may run twice: their push had no answer %.0f s ago, and Redis remembers it for %d s"
                " (pro.spool.remember_s)",
                ", ".join(_ids(entry.push)),
                age_s,
                self._keeper.remember_s,
            )

    def _put_aside(self, entry: Entry, error: Exception) -> None:
        """Redis takes it for wrong. It has answered, so that this push is in no doubt: it was not done."""
        folder = self._keeper.folder
        entry.push.in_doubt = False
        aside = SpoolFile.make(folder.path, folder.place, ".refused")
        aside.sync(aside.write(entry.push))
        aside.close()
        log.error(
            "a push with %d jobs cannot be delivered (%s: %s). It is put aside in %s: repair what is wrong, and rename"
            " it to end in .spool",
            entry.push.jobs,
            type(error).__name__,
            error,
            aside.path,
        )


def _ids(push: Undelivered) -> list[str]:
    return [jid for jid in push.jids if jid is not None][:MOST_SHOWN]
