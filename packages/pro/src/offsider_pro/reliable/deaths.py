"""Which processes have died lately, and of what: read by whoever asks. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..keys import ProKeys
from .cause import Cause
from .guards import MOST_DEATHS

if TYPE_CHECKING:
    from offsider import App
    from offsider.store.wire import Wire

LATEST = 100


@dataclass(frozen=True, slots=True)
class ProcessDeath:
    """The death of one worker process.

    Attributes:
        process: Its identity, ``host:pid:nonce``.
        at_s: When it was found, epoch seconds of Redis' own time.
        kind, cause, number: As in `offsider_pro.reliable.cause.Cause`: what kind, as a part of a sentence, and the
            signal or the exit code.
        jobs: How many jobs it had in flight, as far as they were given back by workers with this edition.
    """

    process: str
    at_s: float
    kind: str
    cause: str
    number: int | None
    jobs: int

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return asdict(self)


class Deaths:
    """The deaths of an app's workers: a thousand at most, of the last seven days.

    Args:
        app: Whose.

    Example:
        >>> for death in Deaths(app).latest(10):       # doctest: +SKIP
        ...     print(death.process, death.cause, death.jobs)
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._keys = ProKeys(app.keys)

    def latest(self, limit: int = LATEST) -> list[ProcessDeath]:
        """The latest first.

        Args:
            limit: At most so many; a thousand are kept.

        Raises:
            StoreError: Redis is away or refuses.
        """
        with self._app.desk.wire() as wire:
            return list(self._read(wire, max(1, min(limit, MOST_DEATHS))))

    def _read(self, wire: Wire, limit: int) -> Iterator[ProcessDeath]:
        flat = wire.command("ZREVRANGE", self._keys.deaths, 0, limit - 1)
        for name in flat:
            identity = name.decode("utf-8", "replace")
            known, at_ms, jobs = wire.command("HMGET", self._keys.death(identity), "cause", "at", "jobs")
            cause = Cause.loads(known)
            if cause is not None:
                yield ProcessDeath(identity, _number(at_ms) / 1000, cause.kind, cause.text, cause.number, _number(jobs))


def _number(raw: bytes | None) -> int:
    return int(raw) if raw is not None and raw.isdigit() and len(raw) < 20 else 0
