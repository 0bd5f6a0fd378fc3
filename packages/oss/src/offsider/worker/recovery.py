"""Gives the jobs of dead processes back. Every live process does, all the time, busy or idle."""

from __future__ import annotations

import logging
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any

from .. import clock
from ..contract.effects import DEAD, RECOVERED, Call
from ..contract.seams import Registry
from ..errors import Malformed, ProcessLost
from ..job import record as records
from ..job.sealing import unmark
from ..store.composer import Composer
from ..store.connection import Connections
from ..store.keys import Keys
from ..store.scripts import load
from ..store.wire import Argument
from .fetch import Limits
from .putback import quarantine_entry
from .service import PeriodicService

if TYPE_CHECKING:
    from .worker import Worker

log = logging.getLogger("offsider.worker")

LONGEST_EVERY_S = 5.0
LONGEST_SETTLE_S = 15.0
MOST_CLOCK_STEP_MS = 5_000
MOST_OWNERS = 20
MOST_A_TRIP = 200
MOST_RERUNS = 3
QUEUE = "queue"
_MOVES = {QUEUE: RECOVERED, "dead": DEAD}

Judge = Callable[[records.Record, str], ProcessLost | None]
"""What becomes of a job whose process was lost, by its record and its owner: the judge may change the record, which is
the next payload; it gives an error to have the job dead of, None to have it run again."""


def counted(record: records.Record, _owner: str) -> ProcessLost | None:
    """The free edition's judge: a job that was in flight in four deaths is dead (decision 0008)."""
    record["crashes"] = int(record.get("crashes", 0)) + 1
    if record["crashes"] <= MOST_RERUNS:
        return None
    return ProcessLost(
        f"the process that ran this job was lost {record['crashes']} times; find out what kills it before you"
        " run it again"
    )


def lease_recovery(worker: Worker) -> Recovery:
    """The free edition's recovery, as the slot makes it."""
    app = worker.app
    return Recovery(
        app.connections,
        app.keys,
        worker.limits,
        recovered=worker.note_recovered,
        died=worker.note_died,
        composer=app.composer,
    )


class Recovery(PeriodicService):
    """Looks for leases that have ended and moves their jobs back.

    * After an outage, a frozen moment or a step of the server's clock every lease looks old: nobody is taken for
      dead until contact has been undisturbed for a quarter of a lease (at most 15 s), in which the living renew
      three times.
    * What becomes of a job is the judge's word: by default one that was in flight in four deaths goes to the dead set.

    Args:
        connections: The way to Redis.
        keys: Its keys.
        limits: The longest lease of any worker, and how much the dead set keeps.
        recovered: Told how many jobs of an owner were given back.
        died: Told of each job that is dead by it, with the error.
        judge: What becomes of each job.
        composer: Has the effects of editions; None without any.
        rng: Where the jitter comes from.
    """

    name = "recovery"

    def __init__(
        self,
        connections: Connections,
        keys: Keys,
        limits: Limits,
        *,
        recovered: Callable[[str, int], None],
        died: Callable[[records.Record, BaseException], None],
        judge: Judge = counted,
        composer: Composer | None = None,
        rng: Random | None = None,
    ) -> None:
        super().__init__()
        self._keys = keys
        self._limits = limits
        self._recovered = recovered
        self._died = died
        self._judge = judge
        self._composer = composer or Composer(Registry("effects"), keys)
        self._rng = rng or Random()
        self._every_s = min(LONGEST_EVERY_S, limits.lease_s / 12)
        self._settle_s = min(LONGEST_SETTLE_S, limits.lease_s / 4)
        self._wire = connections.wire("recovery", read_timeout_s=15.0)
        self._expired = load("expired")
        self._recover = load("recover")
        self._contact_since_s: float | None = None
        self._last_s = 0.0
        self._clock_offset_ms = 0.0

    def tick(self) -> float:
        """Look once; returns the seconds until the next look."""
        pause_s = self._every_s * self._rng.uniform(0.8, 1.2)
        try:
            self._look()
        except BaseException:
            self._contact_since_s = None
            raise
        return pause_s

    def _look(self) -> None:
        before_s = clock.monotonic_s()
        # While a cluster moves the keys to another node, one at a time, nobody can renew: two keys are named, so that
        # nobody can look either.
        keys = [self._keys.owners, self._keys.inflight("")]
        reply = self._wire.run(self._expired, keys, [self._longest_ms, MOST_OWNERS])
        if self._undisturbed(before_s, reply[0]):
            for owner in reply[1:]:
                self.recover(owner.decode())

    def release(self) -> None:
        """Drop the connection."""
        self._wire.close()

    def recover(self, owner: str) -> int:
        """Move the jobs of one dead owner; returns how many were moved by this process."""
        inflight = self._keys.inflight(owner)
        flat = self._wire.command("HGETALL", inflight)
        held = _pairs(flat)
        stopped = held.pop("stopped", None) is not None
        moved = 0
        entries = list(held.items())
        for start in range(0, max(len(entries), 1), MOST_A_TRIP):
            count, gone = self._move(owner, inflight, entries[start : start + MOST_A_TRIP], stopped)
            if count < 0:
                return moved
            moved += count
            if gone:
                break
        # The process is gone, or so it seems: who lives lists itself again with its next beat.
        self._wire.command("SREM", self._keys.processes, owner.partition("/")[0])
        if moved:
            log.warning("%d jobs of %s, which is gone, were given back", moved, owner)
            self._recovered(owner, moved)
        return moved

    @property
    def _longest_ms(self) -> int:
        return round(self._limits.lease_s * 1000)

    def _undisturbed(self, before_s: float, server_ms: int) -> bool:
        now_s = clock.monotonic_s()
        offset_ms = server_ms - now_s * 1000
        stepped = abs(offset_ms - self._clock_offset_ms) > MOST_CLOCK_STEP_MS
        frozen = now_s - self._last_s > 3 * self._every_s + 1 or now_s - before_s > 2
        self._clock_offset_ms, self._last_s = offset_ms, now_s
        if self._contact_since_s is None or stepped or frozen:
            self._contact_since_s = now_s
        return now_s - self._contact_since_s >= self._settle_s

    def _move(self, owner: str, inflight: str, entries: list[tuple[str, bytes]], stopped: bool) -> tuple[int, int]:
        queues: dict[str, int] = {}
        arguments: list[Argument] = [owner, self._limits.dead_max, self._limits.dead_s]
        deaths: dict[str, tuple[records.Record, BaseException]] = {}
        for field, payload in entries:
            queue = field.partition(":")[2]
            index = queues.setdefault(queue, 6 + 2 * len(queues))
            kind, new = (QUEUE, payload) if stopped else self._next_place(owner, field, payload, deaths)
            arguments += [kind, field, index, new]
        keys = [self._keys.owners, inflight, self._keys.dead, self._keys.quarantine, self._keys.queues]
        for queue in queues:
            keys += [self._keys.queue(queue), self._keys.bell(queue)]
        calls = self._calls(entries, arguments)
        moved, gone, *died = self._wire.run(*self._composer.request(self._recover, keys, arguments, calls))
        for field in died:  # what could not get there is no death yet, nor what another process has moved
            self._died(*deaths[field.decode()])
        return moved, gone

    def _calls(self, entries: list[tuple[str, bytes]], arguments: list[Argument]) -> list[tuple[str | int, Call]]:
        """What effects have to do when these are given back, or are dead; ``arguments`` say which."""
        if not self._composer.fields:
            return []
        calls: list[tuple[str | int, Call]] = []
        for (field, payload), kind in zip(entries, arguments[3::4], strict=True):
            move = _MOVES.get(str(kind))
            if move is not None:
                try:
                    calls += [(field, call) for call in self._composer.safe_calls(move, records.loads(payload))]
                except Malformed:
                    continue  # it has been stopped in order, and whoever runs it puts it into quarantine
        return calls

    def _next_place(
        self, owner: str, field: str, payload: bytes, deaths: dict[str, tuple[records.Record, BaseException]]
    ) -> tuple[str, bytes]:
        try:
            record = records.loads(payload)
        except Malformed as error:
            return "quarantine", quarantine_entry(field.partition(":")[2], str(error), payload)
        lost = self._judge(record, owner)
        if lost is None:
            return QUEUE, records.rewritten(record)
        unmark(record, "error_message")
        record["error_class"] = "offsider.ProcessLost"
        record["error_message"] = str(lost)
        record["failed_at"] = clock.now_ms()
        deaths[field] = (record, lost)
        return "dead", records.rewritten(record)


def _pairs(flat: Any) -> dict[str, bytes]:
    if isinstance(flat, dict):  # RESP3
        return {field.decode(): value for field, value in flat.items()}
    return {flat[k].decode(): flat[k + 1] for k in range(0, len(flat), 2)}
