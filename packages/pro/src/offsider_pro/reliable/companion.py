"""The process beside a worker: says that the worker lives while it does, and what it has died of when it has.

It is small and has one thread, so that no job can keep it from that. It ends with its worker, and never without it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import signal
import socket
import sys
from dataclasses import asdict, dataclass
from typing import Any

from offsider import clock
from offsider.errors import StoreError
from offsider.store.connection import Connections
from offsider.store.keys import Keys
from offsider.worker.logs import Format, configure
from offsider.worker.patience import Patience

from .cause import Cause
from .guards import Guards
from .lookout import Lookout

log = logging.getLogger("offsider.pro")

EVERY_S = 0.5
READ_TIMEOUT_S = 2.0
CONNECT_TIMEOUT_S = 1.0
BURY_S = 30.0
END_S = 2.0
MOST_PAUSE_S = 0.5
SIGN, LEAVE, SAID = b".", b"q", b"v"
DEAF_TO = ("SIGTERM", "SIGINT", "SIGHUP", "SIGTSTP", "SIGTTIN", "SIGUSR1", "SIGUSR2", "SIGQUIT")


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker tells its companion.

    Attributes:
        url, namespace, connect_timeout_s: The way to Redis.
        identity: Whom it guards.
        pid: The same, for the system.
        guard_s: For how long each word holds.
        hang_s: How long the worker's interpreter may be silent.
        alone: Whether it can run suspects alone.
        log_level, log_format: As the worker's.
    """

    url: str
    namespace: str
    connect_timeout_s: float
    identity: str
    pid: int
    guard_s: float
    hang_s: float
    alone: bool
    log_level: str
    log_format: Format

    def dumps(self) -> bytes:
        """One line."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def loads(cls, line: bytes) -> Order:
        """Of such a line."""
        return cls(**json.loads(line))


class Companion:
    """Watches one worker.

    Args:
        post: To the worker and from it: a byte is a sign of life, or an order.
        order: What it is told.
    """

    def __init__(self, post: socket.socket, order: Order) -> None:
        self._post = post
        self._order = order
        connect_s = min(CONNECT_TIMEOUT_S, order.connect_timeout_s)
        connections = Connections(order.url, namespace=order.namespace, connect_timeout_s=connect_s)
        wire = connections.wire("companion", read_timeout_s=READ_TIMEOUT_S)
        self._guards = Guards(wire, Keys(order.namespace))
        self._lookout = Lookout(order.pid, child_of=order.pid)
        self._patience = Patience(f"companion of {order.identity}", longest_pause_s=MOST_PAUSE_S)
        self._heard_s = self._awake_s = clock.monotonic_s()
        self._leaving = self._cut = False
        self._given_up = self._told = False

    def run(self) -> None:
        """Until the worker leaves, or is gone."""
        next_s = 0.0
        while True:
            now_s = clock.monotonic_s()
            if now_s >= next_s:
                next_s = now_s + self._tick()
            self._listen(max(0.0, next_s - clock.monotonic_s()))
            if self._leaving:
                self._leave()
                return
            if self._cut or self._lookout.is_gone():
                self._end()
                return

    def _listen(self, timeout_s: float) -> None:
        sources: list[Any] = [*self._lookout.fds, *([] if self._cut else [self._post])]
        ready, _, _ = select.select(sources, [], [], timeout_s)
        if self._post not in ready:
            return
        try:
            said = self._post.recv(4096)
        except OSError:
            said = b""
        self._cut = not said
        self._leaving = LEAVE in said
        self._heard_s = clock.monotonic_s()

    # -- while it lives ------------------------------------------------------------------------------------

    def _tick(self) -> float:
        self._lookout.note_memory()
        trouble = self._trouble()
        try:
            if trouble is not None and clock.monotonic_s() - self._awake_s > self._order.guard_s:
                self._give_up(trouble)
            else:  # with a trouble, too, until it is over: else another worker, who knows no cause, might be first
                self._say()
            self._patience.recovered()
        except StoreError as error:
            return self._patience.note(error)
        return EVERY_S

    def _trouble(self) -> Cause | None:
        """Why it is not to be said that the worker lives; None when it does."""
        now_s = clock.monotonic_s()
        silent_s = now_s - self._heard_s
        if self._lookout.is_stopped():
            return Cause.of_stop()
        if silent_s > self._order.hang_s or (silent_s > self._order.guard_s and not self._lookout.knows_stops):
            return Cause.of_hang(silent_s)
        self._awake_s = now_s
        return None

    def _say(self) -> None:
        self._guards.say(self._order.identity, self._order.guard_s)
        self._given_up = False
        if not self._told:
            self._told = True
            log.info("worker %s is guarded by process %d", self._order.identity, os.getpid())
        with contextlib.suppress(OSError):
            self._post.send(SAID, socket.MSG_DONTWAIT)

    def _give_up(self, trouble: Cause) -> None:
        """Frozen beyond its time: its jobs run elsewhere from here on."""
        if not self._given_up:
            self._guards.condemn(self._order.identity, trouble, "standstill", alone=self._order.alone)
            self._given_up = True
            log.error("worker %s is %s; its jobs are given back", self._order.identity, trouble)

    # -- the end -------------------------------------------------------------------------------------------

    def _leave(self) -> None:
        with contextlib.suppress(StoreError):  # then it is not heard any more: it has nothing in flight
            self._guards.leave(self._order.identity)

    def _end(self) -> None:
        """The worker is gone, or has let go of us."""
        until_s = clock.monotonic_s() + END_S
        while not self._lookout.is_gone():
            if clock.monotonic_s() > until_s:
                self._leave()
                return
            select.select(self._lookout.fds, [], [], 0.02)
        self._bury(self._lookout.cause())

    def _bury(self, cause: Cause) -> None:
        order, until_s = self._order, clock.monotonic_s() + BURY_S
        while True:
            try:
                if self._guards.condemn(order.identity, cause, "death", alone=order.alone):
                    log.error("worker %s is gone: %s; its jobs are given back", order.identity, cause)
                else:
                    self._guards.leave(order.identity)
                return
            except StoreError as error:
                if clock.monotonic_s() > until_s:
                    log.error("worker %s is gone: %s; Redis cannot be told: %s", order.identity, cause, error)
                    return
                select.select([], [], [], self._patience.note(error))


def main() -> None:
    """The process: its standard input is the way to the worker."""
    for name in DEAF_TO:  # it ends with its worker, and not when a whole group is told to
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    post = socket.socket(fileno=os.dup(0))
    with post.makefile("rb", buffering=0) as lines:
        line = lines.readline()
    if not line.endswith(b"\n"):
        sys.exit(1)  # the worker was gone before it could say a word
    order = Order.loads(line)
    configure(order.log_level, order.log_format)
    Companion(post, order).run()


if __name__ == "__main__":
    main()
