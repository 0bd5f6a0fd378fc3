"""Listens to requests to end running jobs, and passes each on to the one attempt that it is about."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .. import clock
from ..store.connection import Connections
from ..store.keys import Keys
from .service import PeriodicService

if TYPE_CHECKING:
    from .capsule import Capsule
    from .execution import Execution

log = logging.getLogger("offsider.worker")

BELL_S = 10.0  # a lost ring costs at most this much
AGAIN_S = 1.0  # a job that was asked for may be on its way to us
HOLDS_S = 60.0
_DOUBT = re.compile(r"~\d+\Z")


class Cancelling(PeriodicService):
    """Waits for the bell of this process' requests; costs a command in five seconds while there are none.

    * a request names an attempt, by owner and field: a later one of the same job is never meant;
    * the execution is marked; an ``async def`` body that has begun is cancelled, a ``def`` body asks;
    * a request for what is not in hand is kept for a minute, and forgotten.
    """

    name = "cancelling"

    def __init__(
        self,
        connections: Connections,
        keys: Keys,
        identity: str,
        capsules: Mapping[str, Capsule],
        loop: Callable[[], asyncio.AbstractEventLoop | None],
    ) -> None:
        super().__init__()
        self._wire = connections.wire("cancelling", read_timeout_s=BELL_S + 5.0)
        self._requests = keys.cancels(identity)
        self._bell = keys.cancels_bell(identity)
        self._capsules = capsules
        self._loop_of = loop
        self._unmet: dict[bytes, float] = {}  # attempt → since when we know of it, and have no such job

    def tick(self) -> float:
        """Pass on what was asked for."""
        asked = self._asked()
        done = [attempt for attempt, jid in asked.items() if self._cancel(attempt.decode("utf-8", "replace"), jid)]
        now_s = clock.monotonic_s()
        self._unmet = {one: self._unmet.get(one, now_s) for one in asked if one not in done}
        done += [one for one, since_s in self._unmet.items() if now_s - since_s > HOLDS_S]
        if done:
            self._wire.command("HDEL", self._requests, *done)
        return AGAIN_S if self._unmet else BELL_S

    def pause(self, seconds: float) -> None:
        """Wait for the bell."""
        if not self.stopping:
            self._wire.command("BLPOP", self._bell, seconds)

    def wake(self) -> None:
        """Stop waiting for the bell."""
        self._wire.abort()

    def release(self) -> None:
        """Drop the connection."""
        self._wire.close()

    def _asked(self) -> dict[bytes, bytes]:
        """At most a few thousand; the rest with the next round."""
        _cursor, page = self._wire.command("HSCAN", self._requests, 0, "COUNT", 1000)
        if isinstance(page, dict):
            return page
        return dict(zip(page[::2], page[1::2], strict=True))

    def _cancel(self, attempt: str, jid: bytes) -> bool:
        """True when it is in hand, and marked."""
        owner, _, field = attempt.rpartition(" ")
        for capsule in self._capsules.values():
            if _name(capsule.fetcher.owner) != _name(owner):
                continue
            for execution in capsule.in_hand():
                if execution.unit.field == field and execution.jid.encode("utf-8", "replace") == jid:
                    self._mark(execution)
                    return True
        return False

    def _mark(self, execution: Execution) -> None:
        log.info("job %s (%s) is to be cancelled", execution.job.name, execution.jid)
        execution.watched = execution.cancelled = True
        loop = self._loop_of()
        if execution.job.is_async and loop is not None:
            loop.call_soon_threadsafe(_interrupt, execution)


def _interrupt(execution: Execution) -> None:
    """On the loop. A body that has not begun is not touched: it looks at its mark before."""
    task: Any = execution.stopper
    if task is not None and execution.started_s and not task.done():
        execution.told = True
        task.cancel()


def _name(owner: str) -> str:
    """An owner as it was called before any lost reply."""
    return _DOUBT.sub("", owner)
