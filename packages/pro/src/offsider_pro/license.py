"""The gate of a commercial edition: its licence is asked for once, at install, and never on a job's way."""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import TYPE_CHECKING

from offsider_licensing import License, LicenseError, Standing, judge, require
from offsider_licensing.build import stamp
from offsider_licensing.explain import notice
from offsider_licensing.license import day

from .errors import LicenseRefused

if TYPE_CHECKING:
    from offsider.worker.worker import Worker

log = logging.getLogger("offsider.pro")


class Notices:
    """What is said of licences in this process: a line a licence and day, whichever edition says it first.

    A command of ours sets up its log after the app was made: until then what is to be said is held back, not lost.
    """

    def __init__(self) -> None:
        self._said: dict[str, str] = {}
        self._held = False
        self._lock = threading.Lock()

    def hold(self) -> None:
        """Say nothing until `release`."""
        self._held = True

    def release(self) -> None:
        """There is a log now."""
        self._held = False

    def say(self, license: License, standing: Standing, today: str) -> None:
        """Log what has to be said, unless it was said today; of the evaluation licence once."""
        line = notice(license, standing)
        if line is None or self._held:
            return
        when = "once" if license.evaluation else today
        with self._lock:
            if self._said.get(license.id) == when:
                return
            self._said[license.id] = when
        log.log(line.level, "%s", line.text)


NOTICES = Notices()


class LicenseGate:
    """The licence of one edition.

    Args:
        edition: The edition's name, as it stands in licences.
        given: A licence's text or the path of its file; looked for when None.
    """

    def __init__(self, edition: str, given: str | os.PathLike[str] | None = None) -> None:
        self.edition = edition
        self.license: License | None = None
        self._given = given
        self._built: str | None = None

    def check(self) -> License:
        """Let the edition start, or not: the first thing that its `install` does.

        Raises:
            LicenseRefused: There is no licence, or it does not hold.
        """
        try:
            built = stamp(f"offsider_{self.edition}")
            held = require(self.edition, built=built, license=self._given)
        except LicenseError as error:
            raise LicenseRefused(self.edition, error) from None  # it says all of it, and a user sees it once
        self.license, self._built = held, built
        self.tell()
        return held

    def standing(self) -> Standing | None:
        """Where the licence stands now; None before `check`. For pages and logs: nothing is refused any more."""
        if self.license is None:
            return None
        return judge(self.license, now_s=time.time(), built=self._built)

    def tell(self) -> None:
        """Say what has to be said of it, once a day."""
        standing = self.standing()
        if self.license is not None and standing is not None:
            NOTICES.say(self.license, standing, day(int(time.time())))

    def hold(self) -> None:
        """This process is a command of ours, which sets up its log later: say nothing until `speak`."""
        NOTICES.hold()

    def speak(self) -> None:
        """There is a log now: say what was held back."""
        NOTICES.release()
        self.tell()

    def watch(self, worker: Worker) -> None:
        """Say it every day while a worker runs; and in its heartbeat how it stands."""
        from .license_watch import LicenseWatch

        watched = [one.license for _name, one in worker.services.items() if isinstance(one, LicenseWatch)]
        if self.license not in watched:  # editions that share a licence share its watch
            worker.services.add(f"{self.edition} license", LicenseWatch(self), by=self.edition)
        if "license" not in dict(worker.heartbeat_fields.items()):  # the first edition speaks for all
            worker.heartbeat_fields.add("license", self._state, by=self.edition)
            if self.license is not None and not self.license.evaluation:
                worker.heartbeat_fields.add("license_days_left", self._days_left, by=self.edition)

    def _state(self) -> str:
        standing = self.standing()
        return "" if standing is None else standing.state

    def _days_left(self) -> int:
        standing = self.standing()
        return 0 if standing is None or standing.days_left is None else standing.days_left
