"""Moves scheduled jobs and retries into their queues when their time has come. Every process does; no leader."""

from __future__ import annotations

import logging
from random import Random

from .. import clock
from ..errors import Malformed
from ..job import record as records
from ..store.classify import is_wrong_type
from ..store.connection import Connections
from ..store.keys import Keys
from ..store.scripts import load
from .putback import quarantine_entry
from .service import PeriodicService

log = logging.getLogger("offsider.worker")

MOST_A_TRIP = 500
LONGEST_SLEEP_S = 5.0
CALLS_A_SECOND = 10  # of all processes together, while something is due soon
SHORTEST_SLEEP_S = 0.02
PUT_OFF_S = 60.0  # of entries that cannot leave, once they are so many that they hold up others


class Scheduler(PeriodicService):
    """Sleeps until the next entry is due, moves what is, and listens for entries that are due earlier.

    Each entry moves once, whoever gets there first: the script that moves it decides. The more processes live,
    the longer each sleeps, so that all together ask Redis about ten times a second at most. What cannot leave, as its
    queue's key is of another type, stays, is told, and holds up nobody.
    """

    name = "scheduler"

    def __init__(self, connections: Connections, keys: Keys, *, rng: Random | None = None) -> None:
        super().__init__()
        self._keys = keys
        self._rng = rng or Random()
        self._wire = connections.wire("scheduler", read_timeout_s=15.0)
        self._due = load("due")
        self._move = load("move_due")
        self._first_letter = len(keys.queue("")) + 1

    def tick(self) -> float:
        """Move what is due; returns the seconds until the next entry."""
        next_s, processes = LONGEST_SLEEP_S, 1
        refused: list[Exception] = []
        waiting = [self._keys.retry, self._keys.schedule]
        while waiting and not self.stopping:
            # In turns: a set with very many due entries does not hold up the other.
            nexts_s, processes = self._trip(waiting, refused)
            next_s = min([next_s, *filter(None, nexts_s)])
            waiting = [key for key, set_next_s in zip(waiting, nexts_s, strict=True) if not set_next_s]
        if refused:
            raise refused[0]
        floor_s = max(SHORTEST_SLEEP_S, processes / CALLS_A_SECOND * self._rng.uniform(0.5, 1.5))
        return max(next_s, floor_s) if processes > 1 else max(next_s, SHORTEST_SLEEP_S)

    def pause(self, seconds: float) -> None:
        """Wait for the time, or for the bell that says: something is due earlier."""
        if seconds < 0.1 or self.stopping:
            super().pause(seconds)
            return
        self._wire.command("BLPOP", self._keys.schedule_bell, round(seconds, 3))

    def release(self) -> None:
        """Drop the connection."""
        self._wire.close()

    def wake(self) -> None:
        """Stop waiting for the bell."""
        self._wire.abort()

    def _trip(self, keys: list[str], refused: list[Exception]) -> tuple[list[float], int]:
        """Move up to 500 due entries of each; seconds until its next one (0: more are due), number of living owners.

        What cannot leave is noted in ``refused``: it holds up neither the other set nor the rest of its own.
        """
        processes, *found = self._wire.run(self._due, [self._keys.owners, *keys], [MOST_A_TRIP])
        nexts_s = []
        for key, (next_ms, *members) in zip(keys, found, strict=True):
            try:
                self._move_members(key, members)
            except Exception as error:
                if not is_wrong_type(error):
                    raise
                refused.append(error)
            next_s = LONGEST_SLEEP_S if next_ms < 0 else max(next_ms / 1000, SHORTEST_SLEEP_S)
            nexts_s.append(0.0 if len(members) == MOST_A_TRIP else next_s)
        return nexts_s, max(processes, 1)

    def _move_members(self, key: str, members: list[bytes]) -> None:
        if not members:
            return
        queues: dict[str, int] = {}
        arguments: list[str | int | float | bytes] = []
        now_ms = clock.now_ms()
        for member in members:
            try:
                record = records.loads(member)
            except Malformed as error:
                log.error("an entry of %s was put into quarantine: %s", key, error)
                arguments += [member, 0, quarantine_entry("", str(error), member)]
                continue
            queue = str(record.get("queue") or "default")
            index = queues.setdefault(queue, 4 + 2 * len(queues))
            record["enqueued_at"] = now_ms
            arguments += [member, index, records.rewritten(record)]
        keys = [key, self._keys.queues, self._keys.quarantine]
        for queue in queues:
            keys += [self._keys.queue(queue), self._keys.bell(queue)]
        put_off_s = PUT_OFF_S if len(members) == MOST_A_TRIP else 0
        self._wire.run(self._move, keys, [self._first_letter, put_off_s, *arguments])
