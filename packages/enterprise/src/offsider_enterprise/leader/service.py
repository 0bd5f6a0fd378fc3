"""Stands for election in a worker, again and again; hands over when the worker is quiet or stops."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from offsider import clock
from offsider.errors import StoreError
from offsider.worker.service import PeriodicService

from ..keys import EnterpriseKeys
from ..scripts import script_of

if TYPE_CHECKING:
    from offsider.worker.worker import Worker

    from .leadership import Leadership, Term

log = logging.getLogger("offsider.enterprise")

RENEWALS = 3  # in the time of one lease
SHORTEST_S = 0.05


class LeaderService(PeriodicService):
    """Renews the lease of a leader three times in its time; everybody else waits for the bell of one that leaves.

    * who is quiet does not lead: it is about to go, and its code is the old one;
    * a term begins with the event ``leader``, whose listeners are given the `Term`.

    Args:
        worker: The worker that stands.
        leadership: Is told how it went.
        lease_s: How long a lease lasts.
    """

    name = "leader"

    def __init__(self, worker: Worker, leadership: Leadership, lease_s: float) -> None:
        super().__init__(longest_pause_s=lease_s / RENEWALS)
        app = worker.app
        self._worker = worker
        self._leadership = leadership
        self._lease_s = lease_s
        self._bell = app.connections.wire("leader", read_timeout_s=lease_s + 10.0)
        self._news = threading.Event()
        self._stand, self._leave = script_of(app, "leader_stand"), script_of(app, "leader_leave")
        keys = EnterpriseKeys(app.keys)
        self._keys = [keys.leader, keys.dear_leader, keys.leader_bell]

    @property
    def leads(self) -> bool:
        """True while this worker leads."""
        term = self._leadership.term
        return term is not None and term.identity == self._worker.identity

    def number(self) -> int | str:
        """The heartbeat's field: the number of the term; empty when this worker does not lead."""
        term = self._leadership.term
        return term.number if term is not None and term.identity == self._worker.identity else ""

    def tick(self) -> float:
        """Stand once; the seconds until the next time."""
        if self._quiet:
            self._step_down("is quiet")
            return self._lease_s / RENEWALS
        asked_s = clock.monotonic_s()
        identity = self._worker.identity
        with self._worker.app.desk.wire() as wire:
            leads, holder, number, left_ms = wire.run(
                self._stand, self._keys[:2], [identity, round(self._lease_s * 1000)]
            )
        if leads:
            self._begin(int(number), asked_s + self._lease_s)
            return self._lease_s / RENEWALS
        if self._leadership.over(identity) is not None:
            log.warning("worker %s leads no more: %s does", identity, holder.decode("utf-8", "replace"))
        return min(int(left_ms) / 1000 + SHORTEST_S, self._lease_s / RENEWALS)

    def pause(self, seconds: float) -> None:
        """Who leads or is quiet waits for the time; everybody else, who may lead next, for the bell, too."""
        if self.leads or self._quiet or self.stopping:
            self._news.wait(seconds)
        else:
            self._wait_for_bell(seconds)
        self._news.clear()

    def wake(self) -> None:
        """Stop waiting: this worker stops, or has become quiet."""
        self._news.set()
        self._bell.abort()

    def release(self) -> None:
        """Hand over, and drop the connection."""
        try:
            self._step_down("stops")
        except StoreError as error:
            log.warning("the leader could not hand over (%s): others lead once its lease has ended", error)
        self._bell.close()

    @property
    def _quiet(self) -> bool:
        return any(capsule.quieted for capsule in self._worker.capsules.values())

    def _wait_for_bell(self, seconds: float) -> None:
        try:
            self._bell.command("BLPOP", self._keys[2], round(max(seconds, SHORTEST_S), 3))
        except StoreError:
            # It was `wake` that ended the wait, also when its news were cleared with those of the pause before.
            if not (self._news.is_set() or self._quiet or self.stopping):
                raise

    def _begin(self, number: int, until_s: float) -> None:
        term = self._leadership.begin(self._worker.identity, number, until_s)
        if term is not None:
            log.info("worker %s leads: term %d", term.identity, number)
            self._worker.app.events.emit("leader", term)

    def _step_down(self, why: str) -> None:
        term: Term | None = self._leadership.over(self._worker.identity)
        if term is not None:
            with self._worker.app.desk.wire() as wire:
                wire.run(self._leave, self._keys, [term.identity, term.number])
            log.info("worker %s %s, and leads no more", term.identity, why)
