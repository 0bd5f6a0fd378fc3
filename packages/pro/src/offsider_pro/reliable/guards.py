"""What Redis knows of guarded processes: until when each is taken to live, and what the dead have died of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from offsider.store.keys import Keys
from offsider.store.wire import Argument, Wire

from ..invariant import DEATH_KEPT_S
from ..keys import ProKeys
from ..scripts import load
from .cause import Cause

MOST_DEATHS = 1000
MOST_A_LOOK = 20
PAGE = 500
ALONE = "alone"
COMPANY = "company"

Evidence = Literal["death", "standstill", "silence"]
"""Why a process is taken for dead: it was seen to die; who speaks for it sees it stand still; or it is not heard."""


@dataclass(frozen=True, slots=True)
class Unguarded:
    """A process that is dead, or is not heard.

    Attributes:
        identity: ``host:pid:nonce``.
        is_seen: True when somebody has seen it die.
        late_s: For how long it has not been heard beyond its time.
    """

    identity: str
    is_seen: bool
    late_s: float


class Guards:
    """One caller's way to them; for one thread at a time.

    Args:
        wire: A connection of the caller's own.
        keys: Of the namespace.
    """

    def __init__(self, wire: Wire, keys: Keys) -> None:
        self._wire = wire
        self._keys = keys
        self._own = ProKeys(keys)
        self._scripts = {name: load(name) for name in ("guard", "unguarded", "condemn")}

    def say(self, identity: str, guard_s: float) -> None:
        """This process lives, and is taken to for so long.

        Raises:
            StoreError: Redis is away or refuses.
        """
        self._wire.run(self._scripts["guard"], [self._own.guards], [identity, round(guard_s * 1000)])

    def leave(self, identity: str) -> None:
        """This process is not guarded any more; raises like `say`."""
        self._wire.command("ZREM", self._own.guards, identity)

    def close(self) -> None:
        """Drop the connection."""
        self._wire.close()

    def look(self, longest_s: float) -> tuple[int, list[Unguarded]]:
        """The server's time in ms, and who is dead or was not heard; raises like `say`."""
        reply: list[Any] = self._wire.run(
            self._scripts["unguarded"], [self._own.guards], [round(longest_s * 1000), MOST_A_LOOK]
        )
        now_ms = int(reply[0])
        scored = zip(reply[1::2], reply[2::2], strict=True)
        return now_ms, [
            Unguarded(name.decode("utf-8", "replace"), not float(at_ms), (now_ms - float(at_ms)) / 1000)
            for name, at_ms in scored
        ]

    def condemn(self, identity: str, cause: Cause, evidence: Evidence, *, alone: bool | None) -> int:
        """End the leases of a process, and keep the cause of its death.

        Args:
            identity: The process.
            cause: What it has died of.
            evidence: Of that; ``silence`` alone condemns nobody who has said since that he lives.
            alone: Whether it could run suspects alone; None where nobody knows.

        Returns:
            How many leases it had; -1 when it lives.

        Raises:
            StoreError: Redis is away or refuses.
        """
        own = self._own
        keys = [own.guards, self._keys.owners, own.death(identity), own.deaths]
        could = "" if alone is None else str(int(alone))
        words: list[Argument] = [identity, evidence, cause.dumps(), could, DEATH_KEPT_S, MOST_DEATHS]
        return int(self._wire.run(self._scripts["condemn"], keys, [*words, *self.owners_of(identity)]))

    def owners_of(self, identity: str) -> Iterator[str]:
        """The owners of a process, one for each capsule; raises like `say`."""
        pattern = re.sub(r"([*?\[\]\\])", r"\\\1", f"{identity}/") + "*"
        cursor: Any = b"0"
        while True:
            cursor, page = self._wire.command("ZSCAN", self._keys.owners, cursor, "MATCH", pattern, "COUNT", PAGE)
            yield from (name.decode("utf-8", "replace") for name in page[::2])
            if int(cursor) == 0:
                return
