"""Says that this process lives: leases, process and work sets, statistics, signals from afar.

The layout in Redis is Sidekiq's, so that its own pages show our workers.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import clock
from ..contract.seams import Events, Registry
from ..errors import shown
from ..metrics.report import Reporter
from ..store.classify import store_errors
from ..store.connection import Connections
from ..store.keys import Keys
from ..store.scripts import load
from ..store.wire import Argument
from .service import PeriodicService

if TYPE_CHECKING:
    from .capsule import Capsule
    from .identity import Identity

log = logging.getLogger("offsider.worker")

RENEWALS = 12  # in the time of one lease: many may fail before it ends
LONGEST_PAUSE_S = 5.0
EXPIRE_S = 60
SLOW_RTT_US = 50_000
SLOW_READINGS = 5
SIGNALS = frozenset({"TERM", "TSTP", "TTIN"})


class Heartbeat(PeriodicService):
    """Every 5 s (twelve times in a short lease) the leases, every ``beat_s`` everything else.

    What a failed report of metrics did not bring to Redis travels with the next one.
    """

    name = "heartbeat"

    def __init__(
        self,
        connections: Connections,
        keys: Keys,
        identity: Identity,
        capsules: Mapping[str, Capsule],
        *,
        reporter: Reporter,
        events: Events,
        fields: Registry[Callable[[], str | int | float]],
        beat_s: float,
        lease_s: float,
        signal: Callable[[str], None],
    ) -> None:
        # A lease is renewed as soon as Redis is back: before anybody takes this process for dead.
        super().__init__(longest_pause_s=lease_s / RENEWALS)
        self._redis = connections.admin()
        self._wire = connections.wire("heartbeat", read_timeout_s=10.0)
        self._script = load("beat")
        self._keys = keys
        self._identity = identity
        self._capsules = capsules
        self._reporter = reporter
        self._events = events
        self._fields = fields
        self._beat_s = beat_s
        self._pause_s = min(LONGEST_PAUSE_S, beat_s, lease_s / RENEWALS)
        self._signal = signal
        self._next_beat_s = 0.0
        self._slow = 0
        self.rtt_us = 0

    def tick(self) -> float:
        """Renew the leases; beat when it is time."""
        for capsule in self._capsules.values():
            capsule.renew()
        if clock.monotonic_s() >= self._next_beat_s:
            self._next_beat_s = clock.monotonic_s() + self._beat_s
            self.beat()
        return self._pause_s

    def beat(self) -> None:
        """One whole beat: statistics, work set, process."""
        self._reporter.report()
        first, signal = self._tell()
        if first:
            self._events.emit("heartbeat")
        self._events.emit("beat")
        if signal is not None:
            self._obey(signal)

    def forget(self) -> None:
        """A clean exit: this process is no longer listed."""
        identity = self._identity.name
        try:
            self._reporter.report()
        finally:
            self._reporter.close()
        with store_errors():
            pipe = self._redis.pipeline(transaction=True)
            pipe.srem(self._keys.processes, identity)
            pipe.unlink(self._keys.process(identity), self._keys.work(identity))
            pipe.execute()

    def release(self) -> None:
        """Drop the connection."""
        self._wire.close()

    def _tell(self) -> tuple[bool, str | None]:
        """Process and work set in one trip; True when the process was not known, and a signal from afar."""
        identity, keys = self._identity.name, self._keys
        if not self.rtt_us:
            self._timed(lambda: self._wire.command("PING"))  # later beats tell what the one before them took
        process = _words(self._process_fields())
        names = [keys.processes, keys.process(identity), keys.signals(identity), keys.work(identity)]
        words: list[Argument] = [identity, EXPIRE_S, len(process), *process, *_words(self._work())]
        known, signal = self._timed(lambda: self._wire.run(self._script, names, words))
        return not known, None if signal is None else signal.decode("ascii", "replace")

    def _work(self) -> dict[str, str]:
        return {
            f"{capsule.name}-{number}": _work_entry(execution)
            for capsule in self._capsules.values()
            for number, execution in enumerate(capsule.running(), 1)
        }

    def _process_fields(self) -> dict[str, str | int | float]:
        capsules = self._capsules.values()
        fields: dict[str, str | int | float] = {
            "info": json.dumps(self._identity.info(self._capsules), ensure_ascii=False, separators=(",", ":")),
            "concurrency": sum(capsule.concurrency for capsule in capsules),
            "busy": sum(capsule.busy for capsule in capsules),
            "beat": clock.now_s(),
            "rtt_us": self.rtt_us,
            "quiet": "true" if any(capsule.quieted for capsule in capsules) else "false",
        }
        for name, field in self._fields.items():
            try:
                fields[name] = _carried(field())
            except Exception:
                owner = self._fields.owner(name)
                log.exception("the heartbeat field %r of %s failed; the others go on", name, owner)
        return fields

    def _timed(self, trip: Callable[[], Any]) -> Any:
        before_s = clock.monotonic_s()
        reply = trip()
        self._note_rtt(round((clock.monotonic_s() - before_s) * 1_000_000))
        return reply

    def _note_rtt(self, rtt_us: int) -> None:
        self.rtt_us = rtt_us
        self._slow = self._slow + 1 if rtt_us > SLOW_RTT_US else 0
        if self._slow == SLOW_READINGS:
            log.warning(
                "the last %d round trips to Redis took over %d ms, the last one %d ms. Normal is under 1 ms. Jobs"
                " start late and heartbeats may be missed. Move Redis nearer, or lower the concurrency: a busy"
                " interpreter answers late, too",
                SLOW_READINGS,
                SLOW_RTT_US // 1000,
                rtt_us // 1000,
            )

    def _obey(self, signal: str) -> None:
        if signal in SIGNALS:
            log.info("signal %s came through Redis", signal)
            self._signal(signal)
        else:
            log.warning("an unknown signal came through Redis: %r; known are TERM, TSTP, TTIN", signal[:50])


def _words(fields: Mapping[str, str | int | float]) -> list[str | int | float]:
    return [word for pair in fields.items() for word in pair]


def _carried(value: object) -> str | int | float:
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return value
    raise TypeError(f"it is {shown(value)}: expected a text or a number, which is what Redis carries")


def _work_entry(execution: Any) -> str:
    entry: dict[str, Any] = {
        "queue": execution.queue,
        "payload": execution.unit.payload.decode("utf-8"),
        "run_at": int(clock.now_s() - (clock.monotonic_s() - execution.started_s)),
    }
    if execution.progress is not None:
        entry["progress"] = execution.progress
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":"))


def rss_kb() -> int:
    """Resident memory of this process in kB; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024
