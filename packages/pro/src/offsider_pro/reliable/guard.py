"""The worker's side of its companion: starts it, tells it that the interpreter answers, stands in for it.

Runs beside the jobs; a job pays nothing for it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

from offsider import clock
from offsider.worker.service import PeriodicService

from .companion import EVERY_S, LEAVE, SAID, SIGN, Order
from .guards import Guards

if TYPE_CHECKING:
    from collections.abc import Callable

    from offsider import App

log = logging.getLogger("offsider.pro")

READ_TIMEOUT_S = 5.0
FRESH_S = 2 * EVERY_S  # its word is not older than this while all is well
BOOT_S = 15.0  # until it has spoken for the first time, on a machine that has much to do
LONGEST_PAUSE_S = 30.0
LEAVE_S = 1.0
PATH = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
RUN = "from offsider_pro.reliable.companion import main; main()"


def python_words(code: str) -> list[str]:
    """The command of a fresh interpreter that finds what this one finds."""
    return [sys.executable, "-c", PATH + code, json.dumps(sys.path)]


class Guard(PeriodicService):
    """Has this process guarded from `open` to `leave`.

    * a companion that is gone, or silent, is replaced, and meanwhile its part is done from here;
    * `stop` ends the loop only: until the leases are handed in, the companion is still needed.

    Args:
        app: Whose worker.
        identity: The worker.
        pid: Its process.
        alone: Asked at the start whether suspects can run alone here.
    """

    name = "guard"

    def __init__(self, app: App, identity: str, pid: int, *, alone: Callable[[], bool]) -> None:
        super().__init__(longest_pause_s=EVERY_S)
        self._app = app
        self._identity = identity
        self._pid = pid
        self._alone = alone
        settings = app.settings
        self._guard_s: float = settings.pro.guard_s  # type: ignore[attr-defined]
        self._hang_s: float = settings.pro.hang_s  # type: ignore[attr-defined]
        self._guards: Guards | None = None
        self._companion: subprocess.Popen[bytes] | None = None
        self._post: socket.socket | None = None
        self._said_s = 0.0  # when it has spoken last
        self._relieved = False
        self._begun_s = 0.0
        self._again_s = 0.0
        self._pause_s = EVERY_S

    @property
    def pid(self) -> int | None:
        """The companion's process; None while there is none."""
        return None if self._companion is None else self._companion.pid

    @property
    def is_relieved(self) -> bool:
        """True while a companion speaks for this worker."""
        return self._relieved

    def open(self) -> None:
        """Before the first job is taken; tolerates twice.

        Raises:
            StoreError: Redis is away.
        """
        if self._guards is None:
            wire = self._app.connections.wire("guard", read_timeout_s=READ_TIMEOUT_S)
            self._guards = Guards(wire, self._app.keys)
            self._guards.say(self._identity, max(self._guard_s, BOOT_S))
            self._said_s = clock.monotonic_s()
            self._begin()

    def tick(self) -> float:
        """Tell that this interpreter answers; hear whether the companion does, or do its part."""
        if self._guards is None:
            return EVERY_S
        self._speak()
        now_s = clock.monotonic_s()
        gone = not self._lives()
        silent = now_s - self._said_s > FRESH_S
        if gone or silent:  # of what it said last a part is over already: each moment counts
            self._relieved = False
            self._guards.say(self._identity, self._guard_s)
        hangs = silent and now_s - max(self._said_s, self._begun_s) > BOOT_S
        if (hangs or gone) and now_s >= self._again_s:
            log.error("the companion of this worker %s; another one is started", self._state())
            self._begin()
            self._said_s = 0.0  # what the last one has said is no word of this one
            self._guards.say(self._identity, self._guard_s)  # a start takes long on a machine that has much to do
        return EVERY_S

    def leave(self) -> None:
        """The leases are handed in: nobody is guarded any more. Tolerates twice, and not opened."""
        guards, self._guards = self._guards, None
        if guards is None:
            return
        if self._lives() and self._post is not None:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                self._post.sendall(LEAVE)
                assert self._companion is not None  # it lives
                self._companion.wait(LEAVE_S)
        self._drop()
        try:
            guards.leave(self._identity)
        except Exception as error:  # noqa: BLE001 - the process ends; its guard lapses by itself
            log.warning("this process could not leave its guard (%s); it lapses within %g s", error, self._guard_s)
        finally:
            guards.close()

    # -- the companion ---------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Start one. That it cannot be started is no reason not to work: its part is done from here."""
        self._drop()
        now_s = clock.monotonic_s()
        self._again_s, self._pause_s = now_s + self._pause_s, min(2 * self._pause_s, LONGEST_PAUSE_S)
        ours, theirs = socket.socketpair()
        try:
            self._companion = subprocess.Popen(
                python_words(RUN), stdin=theirs.fileno(), stdout=subprocess.DEVNULL, start_new_session=True
            )
            ours.sendall(self._order().dumps())
            ours.setblocking(False)
            self._post, self._begun_s = ours, now_s
        except (OSError, ValueError) as error:
            ours.close()
            log.error(
                "this worker has no companion (%s): while a job keeps the interpreter for longer than pro.guard_s"
                " (%g s), other workers take its jobs",
                error,
                self._guard_s,
            )
        finally:
            theirs.close()

    def _order(self) -> Order:
        settings = self._app.settings
        return Order(
            url=self._app.connections.url,
            namespace=self._app.keys.namespace,
            connect_timeout_s=settings.redis.connect_timeout_s,
            identity=self._identity,
            pid=self._pid,
            guard_s=self._guard_s,
            hang_s=self._hang_s,
            alone=self._alone(),
            log_level=settings.worker.log_level,
            log_format=settings.worker.log_format,
        )

    def _speak(self) -> None:
        if self._post is None:
            return
        with contextlib.suppress(OSError):  # it reads late, or is gone: that is looked at next
            self._post.send(SIGN)
        try:
            if SAID in self._post.recv(4096):
                self._said_s = clock.monotonic_s()
                self._relieved, self._pause_s = True, EVERY_S
        except OSError:
            return  # nothing to be heard

    def _lives(self) -> bool:
        return self._companion is not None and self._companion.poll() is None

    def _state(self) -> str:
        if self._companion is None:
            return "could not be started"
        code = self._companion.returncode
        return f"has not spoken for {BOOT_S:g} s" if code is None else f"is gone (exit code {code})"

    def _drop(self) -> None:
        companion, self._companion = self._companion, None
        post, self._post = self._post, None
        if post is not None:
            post.close()
        if companion is not None and companion.poll() is None:
            companion.kill()  # it is frozen: it would speak for us when we are gone
            companion.wait()
