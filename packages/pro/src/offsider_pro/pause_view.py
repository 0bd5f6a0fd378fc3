"""What is paused, as a process knows it: read from Redis now and then, asked before each job. Pauses nothing itself."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from offsider.contract.middleware import NextAsync, NextSync, ServerMiddleware
from offsider.contract.work import Hold
from offsider.job.signature import JobSignature

from .keys import ProKeys
from .pause import HELD_S, READ_TIMEOUT_S, Pause, pairs, read_class
from .scripts import script_of

if TYPE_CHECKING:
    from offsider import App, Job
    from offsider.job.record import Record
    from offsider.store.wire import Wire

NOTHING: frozenset[str] = frozenset()


class PauseView:
    """The pauses of an app as they were at the last look.

    Args:
        app: Whose.

    Attributes:
        queues: Names of paused queues.
        classes: Name of a job → the pauses that it may fall under.
        changes: How often something was otherwise than at the look before.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._wire: Wire | None = None
        self._positional: dict[str, list[str]] = {}
        self._reply: Any = None
        self.queues = NOTHING
        self.classes: dict[str, list[Pause]] = {}
        self.changes = 0

    def refresh(self) -> bool:
        """Look again; True when something is otherwise than before.

        Raises:
            StoreError: Redis is away or refuses; what was known stays.
        """
        own = ProKeys(self._app.keys)
        with self._lock:
            wire = self._wire
            if wire is None:
                wire = self._wire = self._app.connections.wire("paused", read_timeout_s=READ_TIMEOUT_S)
            names, _notes, classes = wire.run(
                script_of(self._app, "paused"), [own.paused, own.pauses, own.job_pauses], ["0"]
            )
            reply = (sorted(names), sorted(pairs(classes)))
            changed = reply != (self._reply or ([], []))
            self._reply = reply
        if changed:
            self.queues = frozenset(name.decode("utf-8", "replace") for name in names)
            self.classes = _by_name(reply[1])
            self.changes += 1
        return changed

    def close(self) -> None:
        """Drop the connection; the next look opens another."""
        wire, self._wire = self._wire, None  # without the lock: whoever looks just now is to end
        if wire is not None:
            wire.close()

    def held(self, names: Sequence[str]) -> frozenset[str]:
        """Which of these queues are paused: a filter of queues."""
        return self.queues.intersection(names) if self.queues else NOTHING

    def of_job(self, record: Record) -> Pause | None:
        """The pause that a job falls under, by its class and its arguments."""
        for pause in self.classes.get(record["class"], ()):
            if self._matches(pause, record):
                return pause
        return None

    def _matches(self, pause: Pause, record: Record) -> bool:
        if not pause.where:
            return True
        given = dict(zip(self._names(pause.name), record["args"], strict=False))
        given.update(record.get("kwargs") or {})
        return all(name in given and _is_same(given[name], value) for name, value in pause.where.items())

    def _names(self, name: str) -> list[str]:
        """The names of a job's positional arguments; none for a job that this app does not know."""
        known = self._positional.get(name)
        if known is None:
            job: Job[..., Any] | None = self._app.jobs.get(name)
            known = self._positional[name] = [] if job is None else JobSignature(job.fn, name).positional
        return known


class HoldPaused(ServerMiddleware):
    """Holds the jobs of paused classes.

    Args:
        view: What is paused.
    """

    def __init__(self, view: PauseView) -> None:
        self._view = view

    @property
    def idle(self) -> bool:  # type: ignore[override]
        """True while no class is paused."""
        return not self._view.classes

    def call(self, execution: Any, next: NextSync) -> Any:
        """Around a ``def`` job."""
        self._check(execution.record)
        return next(execution)

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        """Around an ``async def`` job."""
        self._check(execution.record)
        return await next(execution)

    def _check(self, record: Record) -> None:
        pause = self._view.of_job(record)
        if pause is not None:
            raise Hold(told(pause), delay_s=HELD_S)


def reason(app: App, record: Record, place: str) -> str | None:
    """Why a job does not run, when that is a pause: for whoever asks."""
    from .pause import Pauses

    if place not in ("queue", "schedule", "retry"):
        return None
    queue = str(record.get("queue") or "default")
    view = PauseView(app)
    try:
        view.refresh()
        pause = view.of_job(record)
        if pause is None and queue in view.queues:
            pause = next((one for one in Pauses(app).all() if one.kind == "queue" and one.name == queue), None)
    finally:
        view.close()
    return None if pause is None else told(pause)


def told(pause: Pause) -> str:
    """A pause in a sentence.

    Example:
        >>> told(Pause("queue", "mail", by="ann", reason="the provider is down"))
        "queue 'mail' is paused by ann: the provider is down"
    """
    verb = "is" if pause.kind == "queue" else "are"
    text = f"{pause} {verb} paused"
    if pause.at_s is not None:
        text += f" since {datetime.fromtimestamp(pause.at_s, UTC).isoformat(timespec='seconds')}"
    if pause.by:
        text += f" by {pause.by}"
    return f"{text}: {pause.reason}" if pause.reason else text


def _by_name(classes: list[tuple[bytes, bytes]]) -> dict[str, list[Pause]]:
    found: dict[str, list[Pause]] = {}
    for field, note in classes:
        pause = read_class(field, note)
        if pause is not None:
            found.setdefault(pause.name, []).append(pause)
    return found


def _is_same(given: Any, wanted: Any) -> bool:
    """Equal as JSON values: true is not 1."""
    return bool(given == wanted) and isinstance(given, bool) is isinstance(wanted, bool)
