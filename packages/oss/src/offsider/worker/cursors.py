"""What Redis keeps of resumable jobs while they are under way: read, written by the owner only, deleted at the end.

The hash is Sidekiq's, so that its pages show it: ``c`` the cursor, ``ex`` runs, ``rt`` seconds, ``cancelled``.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ..errors import RedisUnavailable, StoreError
from ..store.connection import Connections
from ..store.keys import Keys
from ..store.scripts import load
from ..store.wire import Argument, Wire
from .service import PeriodicService

if TYPE_CHECKING:
    from .capsule import Capsule
    from .execution import Execution

KEPT_S = 30 * 86_400  # a job that is retried for three weeks still finds its cursor
TIMEOUT_S = 3.0  # a body waits for it
SWEEP_S = 1.0
MOST_A_TRIP = 500
FIELDS = ("c", "ex", "rt", "cancelled")


class Ended(NamedTuple):
    """A job whose end is on its way to Redis.

    Attributes:
        capsule: Who settles it.
        owner: Under which name, at its end.
        field: Its place in flight.
        jid: Its id.
    """

    capsule: Capsule
    owner: str
    field: str
    jid: str


class Keeper(Protocol):
    """What a run needs of `KeptCursors`; tests keep cursors elsewhere."""

    def read(self, jid: str) -> dict[str, str]:
        """The fields of a job that are kept."""

    def keep(self, execution: Execution, owner: str, fields: Mapping[str, str], payload: bytes) -> tuple[bool, bool]:
        """Keep fields; whether the job is still this owner's, and whether it was cancelled."""

    def forget(self, execution: Execution) -> None:
        """The job is over."""


class KeptCursors(PeriodicService):
    """The hashes of resumable jobs.

    * `read` and `keep` are called by the threads of bodies, each on a connection of its own for so long;
    * `forget` only makes a note: a hash is deleted once its job is acknowledged, or a crash in between would make the
      job begin anew. Its thread starts with the first note.
    """

    name = "cursors"

    def __init__(self, connections: Connections, keys: Keys) -> None:
        super().__init__()
        self._connections = connections
        self._keys = keys
        self._keep = load("keep_cursor")
        self._forget = load("forget_cursors")
        self._idle: deque[Wire] = deque()
        self._ended: deque[Ended] = deque()
        self._starting = threading.Lock()

    # -- from bodies -----------------------------------------------------------------------------------------

    def read(self, jid: str) -> dict[str, str]:
        """The fields of a job's hash that are there.

        Raises:
            StoreError: Redis is away or refuses.
        """
        values = self._ask(lambda wire: wire.command("HMGET", self._keys.cursor(jid), *FIELDS))
        return {name: value.decode() for name, value in zip(FIELDS, values, strict=True) if value is not None}

    def keep(self, execution: Execution, owner: str, fields: Mapping[str, str], payload: bytes) -> tuple[bool, bool]:
        """Write fields of a job's hash, and its payload in flight when it is not empty.

        Returns:
            Whether the job is still this owner's (else nothing was written), and whether somebody has cancelled it.

        Raises:
            StoreError: Redis is away, and it may be written or not; or refuses.
        """
        keys = [self._keys.owners, self._keys.inflight(owner), self._keys.cursor(execution.jid)]
        words: list[Argument] = [owner, execution.unit.field, KEPT_S, payload]
        words += [word for pair in fields.items() for word in pair]
        ours, cancelled = self._ask(lambda wire: wire.run(self._keep, keys, words))
        return bool(ours), cancelled is not None

    def forget(self, execution: Execution) -> None:
        """Delete a job's hash once its end is acknowledged."""
        fetcher = execution.capsule.fetcher
        if not execution.lost:
            self._ended.append(Ended(execution.capsule, fetcher.owner, execution.unit.field, execution.jid))
            with self._starting:
                super().start()

    # -- the service -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Nothing yet: most workers run no resumable job."""

    def tick(self) -> float:
        """Delete what may be deleted."""
        waiting = [self._ended.popleft() for _ in range(len(self._ended))]
        by_owner: dict[str, list[Ended]] = {}
        for one in waiting:
            owner = one.capsule.fetcher.owner
            if _incarnation(owner) == _incarnation(one.owner):  # else others may have its job, and need its cursor
                by_owner.setdefault(owner, []).append(one)
        for owner, all_of_it in by_owner.items():
            for start in range(0, len(all_of_it), MOST_A_TRIP):
                self._sweep(owner, all_of_it[start : start + MOST_A_TRIP])
        return SWEEP_S

    def release(self) -> None:
        """A last look, then drop the connections; who still needs one opens another."""
        try:
            self.tick()
        except StoreError:
            self._ended.clear()  # they are gone after `KEPT_S`
        while self._idle:
            self._idle.pop().close()

    def _sweep(self, owner: str, ended: list[Ended]) -> None:
        keys = [self._keys.owners, self._keys.inflight(owner), *(self._keys.cursor(one.jid) for one in ended)]
        try:
            settled = self._ask(lambda wire: wire.run(self._forget, keys, [owner, *(one.field for one in ended)]))
        except StoreError:
            self._ended.extend(ended)
            raise
        self._ended.extend(one for one, is_settled in zip(ended, settled, strict=False) if not is_settled)

    def _ask(self, question: Callable[[Wire], Any]) -> Any:
        """The answer. An idle connection may be gone, and to write the same again is no harm: it is asked twice."""
        try:
            wire = self._idle.pop()
        except IndexError:
            wire = self._connections.wire("cursors", read_timeout_s=TIMEOUT_S, connect_timeout_s=TIMEOUT_S)
        try:
            return question(wire)
        except RedisUnavailable:
            return question(wire)
        finally:
            self._idle.append(wire)


def _incarnation(owner: str) -> str:
    """An owner's name without the mark of lost replies: the same lease under other names."""
    return owner.partition("~")[0]
