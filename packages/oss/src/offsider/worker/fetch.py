"""The lease fetcher: takes jobs and acknowledges them in one exchange with Redis.

It keeps what the engine promises about Redis (leases, fencing, lost replies). It never runs a job.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ..contract.work import Fenced, QueueFilter, Settlement, UnitOfWork
from ..store.composer import Composer
from ..store.connection import Connections
from ..store.keys import Keys
from ..store.scripts import Script, load
from ..store.wire import Argument, Wire
from .order import QueueOrder

log = logging.getLogger("offsider.worker")

MOST_SETTLED = 1000  # fields per request; a script's unpack() ends at 7,999
MOST_TAKEN = 1000
READ_TIMEOUT_S = 15.0
WHILE_HELD_S = 1.0  # waits are no longer while a queue is held: it may be free again
PASS_ON_MS = 5000  # what a stopped process could not end is anybody's after this


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that travel with each exchange: the lease, and how much the dead set keeps."""

    lease_s: float = 60.0
    dead_max: int = 10_000
    dead_s: int = 180 * 86_400


class LeaseFetcher:
    """One owner's connection to its work.

    * one round trip acknowledges what is settled and takes new jobs;
    * after a lost reply it goes on under another name and asks what it holds, so that no taken job is forgotten,
      none is run twice, and the lost request changes nothing when it arrives late;
    * when its lease was lost, it raises `Fenced` and holds nothing any more;
    * a queue that is held is not looked at, and its bell not waited for.

    Used by one thread at a time, but for `wait` and `renew`, which have connections of their own.

    Args:
        connections: The way to Redis.
        keys: Its keys.
        order: The queues.
        owner: Its name, used once.
        limits: What travels with each exchange.
        held: Asked before each request and each wait which queues are held; None when none ever is.
        composer: Has the effects that settlements may have calls of; None without any.
    """

    def __init__(
        self,
        connections: Connections,
        keys: Keys,
        order: QueueOrder,
        *,
        owner: str,
        limits: Limits,
        held: QueueFilter | None = None,
        composer: Composer | None = None,
    ) -> None:
        self.owner = owner
        self._name = owner
        self._doubts = 0
        self._keys = keys
        self._order = order
        self._limits = limits
        self._held = held
        self._composer = composer if composer is not None and composer.fields else None
        self._closed = threading.Event()
        self._wire: Wire = connections.wire("fetch", read_timeout_s=READ_TIMEOUT_S)
        self._bell: Wire = connections.wire("bell", read_timeout_s=READ_TIMEOUT_S)
        self._lease: Wire = connections.wire("lease", read_timeout_s=READ_TIMEOUT_S)
        self._scripts = {name: load(name) for name in ("exchange", "renew", "resync", "retire", "ring")}
        self._inflight = keys.inflight(owner)
        self._fixed_keys = [
            keys.owners,
            self._inflight,
            keys.retry,
            keys.dead,
            keys.schedule,
            keys.quarantine,
            keys.schedule_bell,
        ]
        self._named: list[str] | None = None  # the queues of the last request
        self._asked: tuple[str, ...] = ()  # and its keys: the same object as long as they are the same
        self._pairs = {name: (keys.queue(name), keys.bell(name)) for name in order.names}
        self._first_letter = len(keys.queue("")) + 1
        self._lease_ms = round(limits.lease_s * 1000)
        self._found: list[UnitOfWork] = []  # taken, but not handed out yet: the call that took them failed later
        self._number = 1
        self._doubted = 0  # the number of the first job that a request without a reply may have taken
        self._in_doubt = False

    # -- the lease -------------------------------------------------------------------------------------

    def open(self) -> None:
        """Open the lease: from now on other processes see this owner."""
        self._renew(opening=True)

    def renew(self) -> bool:
        """Prolong the lease; False when another process has recovered this owner's jobs."""
        return self._renew(opening=False)

    def _renew(self, *, opening: bool) -> bool:
        owner = self.owner
        held, _now_ms = self._lease.run(
            self._scripts["renew"],
            [self._keys.owners, self._keys.inflight(owner)],
            [owner, self._lease_ms, "1" if opening else "0"],
        )
        # In doubt the owner may have got another name, with a lease of its own, in this very moment.
        return bool(held) or self._in_doubt or owner != self.owner

    # -- the exchange ----------------------------------------------------------------------------------

    def exchange(self, settled: Sequence[Settlement], want: int) -> list[UnitOfWork]:
        """Acknowledge ``settled`` and take up to ``want`` jobs.

        May be called again with the same settlements after an error: nothing is done twice.

        Raises:
            Fenced: The lease was lost; what was in hand runs elsewhere.
            StoreError: Redis was away or refused; nothing is lost.
        """
        settled = back_last(settled)
        if self._in_doubt:
            self._found += self._resync()
        if self._found and not settled:
            return self._handed_out()  # at once: what follows may fail, too
        want = min(want - len(self._found), MOST_TAKEN)
        held = self._held_now()
        apart = not settled or go_back(settled, held)
        for start in range(0, len(settled), MOST_SETTLED):
            part = settled[start : start + MOST_SETTLED]
            last = start + MOST_SETTLED >= len(settled)
            self._found += self._trip(part, want if last and not apart else 0, held)
        if apart and want > 0:
            self._found += self._trip((), want, held)
        return self._handed_out()

    def _handed_out(self) -> list[UnitOfWork]:
        found, self._found = self._found, []
        return found

    def _held_now(self) -> Collection[str]:
        return () if self._held is None else self._held(self._order.names)

    def _trip(self, settled: Sequence[Settlement], want: int, held: Collection[str]) -> list[UnitOfWork]:
        keys, names, number = self._request(want, held)
        self._doubt(number)  # until the reply is here
        request = self._exchange_of(settled, keys, self._arguments(settled, want, number, names))
        reply = self._wire.run(*request)
        return self._taken(reply, names, number)

    def _exchange_of(
        self, settled: Sequence[Settlement], keys: Sequence[str], arguments: list[Argument]
    ) -> tuple[Script, Sequence[str], list[Argument]]:
        """The script and what it is given: the plain one, unless a settlement has calls of effects."""
        if self._composer is None:
            return self._scripts["exchange"], keys, arguments
        calls = [(one.unit.field, call) for one in settled if one.calls for call in one.calls]
        return self._composer.request(self._scripts["exchange"], keys, arguments, calls)

    def _doubt(self, number: int) -> None:
        self._doubted, self._in_doubt = number, True

    def _request(self, want: int, held: Collection[str]) -> tuple[tuple[str, ...], list[str], int]:
        """Keys, queues in their order, and the number of the first job. Who takes jobs looks at no queue that is held.

        A request that takes none names all queues: jobs may go back to those that are held.
        """
        names = self._order.next()
        if held and want > 0:
            names = [name for name in names if name not in held]
        if names is not self._named:
            self._named, self._asked = names, (*self._fixed_keys, *(key for name in names for key in self._pairs[name]))
        number = self._number
        self._number += max(want, 0)
        return self._asked, names, number

    def _taken(self, reply: list[Any], names: list[str], number: int) -> list[UnitOfWork]:
        if reply[0] == -1:
            raise self._fenced()
        units = self._units(reply, names, number)
        self._in_doubt = False  # now that nothing, not even a lack of memory, can make us forget a job
        return units

    def _arguments(
        self, settled: Sequence[Settlement], want: int, number: int, names: list[str]
    ) -> list[str | int | float | bytes]:
        done = [one.unit.field for one in settled if one.kind == "done"]
        limits = self._limits
        arguments: list[str | int | float | bytes] = [
            self.owner,
            self._lease_ms,
            want,
            number,
            self._first_letter,
            limits.dead_max,
            limits.dead_s,
            len(done),
            *done,
        ]
        if len(done) != len(settled):
            for one in settled:
                if one.kind == "back":
                    arguments += ["back", one.unit.field, 8 + 2 * names.index(one.unit.queue), b""]
                elif one.kind != "done":
                    arguments += [one.kind, one.unit.field, one.delay_s, one.payload or b""]
        return arguments

    def _units(self, reply: list[object], names: list[str], number: int) -> list[UnitOfWork]:
        units: list[UnitOfWork] = []
        for k in range(1, len(reply), 2):
            queue = names[(int(reply[k]) - 8) // 2]  # type: ignore[call-overload]
            payloads: list[bytes] = reply[k + 1]  # type: ignore[assignment]
            units += [UnitOfWork(f"{n}:{queue}", queue, payload) for n, payload in enumerate(payloads, number)]
            number += len(payloads)
        return units

    def _resync(self) -> list[UnitOfWork]:
        """What a request with a lost reply took for us; we go on as another owner, which that request does not know."""
        renamed = f"{self._name}~{self._doubts + 1}"
        inflight = self._keys.inflight(renamed)
        keys = [self._keys.owners, self._inflight, inflight]
        reply = self._wire.run(self._scripts["resync"], keys, [self.owner, renamed, self._lease_ms])
        if not reply[0]:
            raise self._fenced()
        self._doubts += 1
        self.owner, self._inflight, self._fixed_keys[1] = renamed, inflight, inflight
        self._named = None
        fields = {reply[k].decode(): reply[k + 1] for k in range(1, len(reply), 2)}
        unknown = [field for field in fields if _number(field) >= self._doubted]
        self._in_doubt = False
        return [UnitOfWork(field, field.partition(":")[2], fields[field]) for field in sorted(unknown, key=_number)]

    def _fenced(self) -> Fenced:
        self._found.clear()
        self._in_doubt = False
        return Fenced(self.owner)

    # -- waiting -----------------------------------------------------------------------------------------

    def wait(self, timeout_s: float) -> bool:
        """Block until a queue's bell rings (True) or the time is over (False). A lost ring costs latency only."""
        held = self._held_now()
        bells = [bell for name, (_queue, bell) in self._pairs.items() if name not in held]
        if held:
            timeout_s = min(timeout_s, WHILE_HELD_S)
        if not bells:
            self._closed.wait(timeout_s)
            return False
        return self._bell.command("BLPOP", *bells, timeout_s) is not None

    def pass_on(self) -> None:
        """Ring again for another fetcher: this one was woken and has no free slot."""
        keys = [key for pair in self._pairs.values() for key in pair]
        self._wire.run(self._scripts["ring"], keys, [])

    # -- the end -------------------------------------------------------------------------------------------

    def retire(self, back: Sequence[UnitOfWork], abandoned: Sequence[UnitOfWork]) -> None:
        """Hand ``back`` what is not running; leave ``abandoned`` to whoever recovers this owner."""
        if abandoned:
            log.info("%d jobs of %s still run; other workers take them when it is gone", len(abandoned), self.owner)
        if self._in_doubt:
            self._found += self._resync()
        back = [*back, *self._found]
        names = list(dict.fromkeys(unit.queue for unit in back))
        keys = [self._keys.owners, self._inflight]
        for name in names:
            keys += [self._keys.queue(name), self._keys.bell(name)]
        arguments: list[str | int | float | bytes] = [self.owner, PASS_ON_MS]
        for unit in reversed(back):  # the oldest is pushed last: it is taken first
            arguments += [unit.field, 3 + 2 * names.index(unit.queue)]
        self._wire.run(self._scripts["retire"], keys, arguments)
        self._found.clear()

    def close(self) -> None:
        """Drop the connections."""
        self._closed.set()
        for wire in (self._wire, self._bell, self._lease):
            wire.close()


def back_last(settled: Sequence[Settlement]) -> Sequence[Settlement]:
    """The same settlements with those that hand jobs back at the end, the youngest first.

    They go to the end of a queue that is taken next: the oldest is pushed last, so it is taken first.
    """
    back = [one for one in settled if one.kind == "back"]
    if not back:
        return settled
    return [*(one for one in settled if one.kind != "back"), *reversed(back)]


def go_back(settled: Sequence[Settlement], held: Collection[str]) -> bool:
    """True when a job goes back to a queue that is held: a request that takes jobs does not name it."""
    return bool(held) and any(one.kind == "back" and one.unit.queue in held for one in settled)


def _number(field: str) -> int:
    return int(field.partition(":")[0])
