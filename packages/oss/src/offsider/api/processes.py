"""The processes that work: what they say of themselves, and what others have to say to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..errors import InvalidOption, shown
from ..store.classify import store_errors
from ..store.hashes import mapped, read
from .workforce import as_number, as_object, listed

if TYPE_CHECKING:
    from .manage import Management

SIGNAL_S = 60
OURS = frozenset({b"info", b"concurrency", b"busy", b"beat", b"rtt_us", b"quiet", b"rss"})


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """One process, as of its last heartbeat; it is listed for a minute after that.

    Attributes:
        identity: ``host:pid:nonce``.
        host, pid: Where it runs.
        tag, labels: As it was started with.
        queues: What it takes → the weight; 0 where the order is strict.
        capsules: Their names → concurrency.
        concurrency, busy: Slots for jobs, and how many of them run one.
        quiet: True when it fetches no more.
        embedded: True when it lives in a program that does other things, too.
        rss_kb: Its memory.
        rtt_us: What a round trip to Redis takes it.
        started_s, beat_s: When it started and beat last, epoch seconds by its own clock.
        beat_age_s: How long ago that was, by the clock of the server.
        version: Of what it runs, e.g. ``offsider 1.2.0``.
        fields: What editions and plug-ins add to its heartbeat.
    """

    identity: str
    host: str
    pid: int
    tag: str
    labels: tuple[str, ...]
    queues: Mapping[str, int]
    capsules: Mapping[str, int]
    concurrency: int
    busy: int
    quiet: bool
    embedded: bool
    rss_kb: int
    rtt_us: int
    started_s: float
    beat_s: float
    beat_age_s: float
    version: str
    fields: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return asdict(self)


class Processes:
    """What ``app.processes`` is. A signal is obeyed with the next heartbeat, within `worker.beat_s`.

    Example:
        >>> for process in app.processes:                   # doctest: +SKIP
        ...     print(process.identity, process.busy, process.concurrency)
        >>> app.processes.quiet()                           # doctest: +SKIP
        3
    """

    def __init__(self, app: Management) -> None:
        self._app = app

    def all(self) -> list[ProcessInfo]:
        """Those that have beaten within the last minute, by identity; a thousand at most.

        Raises:
            StoreError: Redis is away or refuses.
        """
        with self._app.desk.wire() as wire:
            seconds, microseconds = wire.command("TIME")
            now_s = int(seconds) + int(microseconds) / 1e6
            names = sorted(listed(wire, self._app.keys))
            found = map(mapped, read(wire, [self._app.keys.process(one) for one in names]))
        return [_info(identity, said, now_s) for identity, said in zip(names, found, strict=True) if said]

    def __iter__(self) -> Iterator[ProcessInfo]:
        return iter(self.all())

    def __len__(self) -> int:
        """How many live."""
        return len(self.all())

    def __bool__(self) -> bool:
        """Always True."""
        return True

    def __getitem__(self, identity: str) -> ProcessInfo:
        """One of them.

        Raises:
            KeyError: It is not there (any more).
        """
        return {one.identity: one for one in self}[identity]

    def quiet(self, identity: str | None = None) -> int:
        """Let one, or all, fetch no more.

        Args:
            identity: Whom; None for all that live now.

        Returns:
            How many were told; 0 when the one does not live.

        Raises:
            InvalidOption: ``identity`` is no text.
            StoreError: Redis is away or refuses; it may be repeated.
        """
        return self._signal("TSTP", identity)

    def stop(self, identity: str | None = None) -> int:
        """Let one, or all, stop: running jobs get their grace; as `quiet` else."""
        return self._signal("TERM", identity)

    def dump(self, identity: str | None = None) -> int:
        """Let one, or all, log the stacks of their threads and tasks; as `quiet` else."""
        return self._signal("TTIN", identity)

    def cleanup(self) -> int:
        """Forget those that are listed and gone; returns how many. Their jobs are given back without it.

        Raises:
            StoreError: Redis is away or refuses; it may be repeated.
        """
        keys, script = self._app.keys, self._app.scripts["tidy"]
        gone = 0
        with self._app.desk.wire() as wire:
            names = listed(wire, keys)
            for k in range(0, len(names), 100):
                some = names[k : k + 100]
                gone += int(wire.run(script, [keys.processes, *map(keys.process, some)], [*some]))
        return gone

    def _signal(self, signal: str, identity: str | None) -> int:
        if identity is not None and (type(identity) is not str or not identity):
            raise InvalidOption(f"identity is {shown(identity)}: expected that of a process, or None for all")
        living = [one.identity for one in self.all() if identity in (None, one.identity)]
        with store_errors():
            pipe = self._app.connections.admin().pipeline(transaction=True)
            for one in living:
                pipe.lpush(self._app.keys.signals(one), signal)
                pipe.expire(self._app.keys.signals(one), SIGNAL_S)
            if living:
                pipe.execute()
        return len(living)


def _info(identity: str, said: Mapping[bytes, bytes], now_s: float) -> ProcessInfo:
    """From what a process says, which may be anything."""
    info = as_object(said.get(b"info", b""))
    beat_s = _decimal(said.get(b"beat"))
    capsules = info.get("capsules")
    return ProcessInfo(
        identity=identity,
        host=str(info.get("hostname", "")),
        pid=info["pid"] if type(info.get("pid")) is int else 0,
        tag=str(info.get("tag") or ""),
        labels=tuple(map(str, info["labels"])) if isinstance(info.get("labels"), list) else (),
        queues=_queues(info),
        capsules=_capsules(capsules) if isinstance(capsules, dict) else {},
        concurrency=as_number(said.get(b"concurrency")) or _whole(info.get("concurrency")),
        busy=as_number(said.get(b"busy")),
        quiet=said.get(b"quiet") == b"true",
        embedded=info.get("embedded") is True,
        rss_kb=as_number(said.get(b"rss")),
        rtt_us=as_number(said.get(b"rtt_us")),
        started_s=float(info["started_at"]) if type(info.get("started_at")) in (int, float) else 0.0,
        beat_s=beat_s,
        beat_age_s=max(0.0, now_s - beat_s) if beat_s else 0.0,
        version=str(info.get("version") or ""),
        fields={_text(key): _text(value) for key, value in said.items() if key not in OURS},
    )


def _queues(info: Mapping[str, Any]) -> dict[str, int]:
    """``weights`` is an object, or a list of one object a capsule."""
    given = info.get("weights")
    weights: dict[str, int] = {}
    for one in given if isinstance(given, list) else [given]:
        if isinstance(one, dict):
            weights.update({str(name): _whole(weight) for name, weight in one.items()})
    names = info.get("queues")
    return {str(name): weights.get(str(name), 0) for name in names} if isinstance(names, list) else weights


def _capsules(given: Mapping[str, Any]) -> dict[str, int]:
    return {str(name): _whole(one.get("concurrency")) if isinstance(one, dict) else 0 for name, one in given.items()}


def _whole(value: object) -> int:
    return value if type(value) is int else 0


def _decimal(raw: bytes | None) -> float:
    try:
        value = float(raw or 0)
    except ValueError:
        return 0.0
    return value if 0 <= value < 1e12 else 0.0


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
