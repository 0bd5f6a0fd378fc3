"""Gives the jobs of dead processes back within seconds, and has each that may have killed its process run alone.

What the free edition's recovery does by leases it does, too: processes that nobody guards are as safe as ever.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from offsider import clock
from offsider.errors import ProcessLost
from offsider.job.record import Record
from offsider.store.composer import Composer
from offsider.store.connection import Connections
from offsider.store.keys import Keys
from offsider.worker.fetch import Limits
from offsider.worker.recovery import MOST_CLOCK_STEP_MS, Recovery

from ..keys import ProKeys
from .cause import Cause
from .companion import EVERY_S as SAID_EVERY_S
from .guard import BOOT_S
from .guards import Guards
from .suspects import Death, judge

if TYPE_CHECKING:
    from .guards import Unguarded

log = logging.getLogger("offsider.pro")

EVERY_S = 1.0
READ_TIMEOUT_S = 15.0

Given = Callable[[Record, Death], None]
"""Told of each job that was given back, or is dead by it."""


class Contact:
    """Whether Redis was undisturbed long enough to take for dead who is not heard.

    After an outage, a frozen moment or a step of the server's clock nobody was heard, and everybody lives.

    Args:
        settle_s: For so long.
        every_s: How often it is asked.
    """

    def __init__(self, settle_s: float, every_s: float) -> None:
        self._settle_s = settle_s
        self._every_s = every_s
        self._since_s: float | None = None
        self._last_s = 0.0
        self._offset_ms = 0.0

    def lost(self) -> None:
        """Redis was away."""
        self._since_s = None

    def holds(self, before_s: float, server_ms: int) -> bool:
        """Asked with each answer: when the question was sent, and the server's time in the answer."""
        now_s = clock.monotonic_s()
        offset_ms = server_ms - now_s * 1000
        stepped = abs(offset_ms - self._offset_ms) > MOST_CLOCK_STEP_MS
        frozen = now_s - self._last_s > 3 * self._every_s + 1 or now_s - before_s > self._every_s
        # What has held us up so long has held up companions on this machine, too: they are about to speak.
        held_up = now_s - self._last_s > self._settle_s - SAID_EVERY_S
        self._offset_ms, self._last_s = offset_ms, now_s
        if self._since_s is None or stepped or frozen:
            self._since_s = now_s
        return not held_up and now_s - self._since_s >= self._settle_s


class GuardedRecovery(Recovery):
    """`Recovery` by leases, and every second by guards.

    * who was seen to die has his jobs given back with the next look;
    * who was not heard for `guard_s` is condemned first, unless he says in that moment that he lives;
    * the cause of the death is in the payloads, and told.

    Args:
        connections, keys, limits, recovered, died, composer, rng: As for `Recovery`.
        guard_s: For how long each word of a process holds.
        isolates: False where suspects are not to run alone: then deaths are counted as in the free edition.
        given: Told of each job.
    """

    def __init__(
        self,
        connections: Connections,
        keys: Keys,
        limits: Limits,
        *,
        recovered: Callable[[str, int], None],
        died: Callable[[Record, BaseException], None],
        guard_s: float,
        isolates: bool = True,
        given: Given | None = None,
        composer: Composer | None = None,
        rng: Random | None = None,
    ) -> None:
        super().__init__(
            connections,
            keys,
            limits,
            recovered=recovered,
            died=died,
            judge=self._judged,
            composer=composer,
            rng=rng,
        )
        self._pro = ProKeys(keys)
        self._guard_wire = connections.wire("guards", read_timeout_s=READ_TIMEOUT_S)
        self._guards = Guards(self._guard_wire, keys)
        self._guard_s = guard_s
        self._isolates = isolates
        self._given = given
        self._jitter = rng or Random()
        self._contact = Contact(guard_s, EVERY_S)
        self._death: Death | None = None
        self._judgements: list[Record] = []
        self._by_leases_s = 0.0

    def tick(self) -> float:
        """Look once at the guards, and at the leases when it is time for that."""
        now_s = clock.monotonic_s()
        if now_s >= self._by_leases_s:
            self._by_leases_s = now_s + super().tick()
        try:
            self._look_at_guards()
        except BaseException:
            self._contact.lost()
            raise
        return EVERY_S * self._jitter.uniform(0.8, 1.2)

    def release(self) -> None:
        """Drop the connections."""
        super().release()
        self._guard_wire.close()

    def recover(self, owner: str) -> int:
        """Give back the jobs of one dead owner; returns how many this process has moved."""
        identity = owner.partition("/")[0]
        if self._death is None or self._death.identity != identity:
            self._death = self._read_death(identity)
        self._judgements = []
        moved = super().recover(owner)
        if moved and self._death.cause is not None:
            self._guard_wire.command("HINCRBY", self._pro.death(identity), "jobs", moved)
        if moved and self._given is not None:
            for record in self._judgements:
                self._tell(record, self._death)
        return moved

    # -- guards ----------------------------------------------------------------------------------------------

    def _look_at_guards(self) -> None:
        before_s = clock.monotonic_s()
        now_ms, found = self._guards.look(max(self._guard_s, BOOT_S))
        holds = self._contact.holds(before_s, now_ms)
        for one in found:
            if one.is_seen or (holds and self._condemn(one)):
                self._recover_process(one.identity)

    def _condemn(self, one: Unguarded) -> bool:
        cause = Cause.of_silence(one.late_s + self._guard_s)
        ended = self._guards.condemn(one.identity, cause, "silence", alone=None)
        if ended > 0:
            log.error("worker %s is %s; its jobs are given back", one.identity, cause)
        return ended >= 0

    def _recover_process(self, identity: str) -> None:
        self._death = None  # what is known of it is read anew
        for owner in self._guards.owners_of(identity):
            self.recover(owner)
        self._death = None
        self._guards.leave(identity)
        self._guard_wire.command("UNLINK", self._pro.suspects(identity))

    def _read_death(self, identity: str) -> Death:
        known = self._guard_wire.command("HGET", self._pro.death(identity), "cause")
        flat = self._guard_wire.command("HGETALL", self._pro.suspects(identity))
        pairs = flat.items() if isinstance(flat, dict) else zip(flat[::2], flat[1::2], strict=True)
        return Death(identity, Cause.loads(known), {jid.decode("utf-8", "replace"): how.decode() for jid, how in pairs})

    def _judged(self, record: Record, owner: str) -> ProcessLost | None:
        assert self._death is not None, owner  # recover() sees to it
        death = self._death if self._isolates else Death(self._death.identity, None, {})
        lost = judge(record, death)
        self._judgements.append(record)
        return lost

    def _tell(self, record: Record, death: Death) -> None:
        assert self._given is not None  # whoever calls has looked
        try:
            self._given(record, death)
        except Exception:
            log.exception("what listens to jobs that are given back failed for %s; the others are told", record["jid"])
