"""Puts reliable fetch into a worker: guard, recovery, and what stands around suspects. Starts nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from offsider.job.record import Record

from .alone import lonely
from .guard import Guard
from .isolation import Isolation
from .link import RunAlone
from .notes import SuspectNotes
from .recovery import GuardedRecovery
from .suspects import Death

if TYPE_CHECKING:
    from offsider import App
    from offsider.worker.worker import Worker

    from ..config import ProSettings

ORPHAN = "orphan"


class Reliability:
    """What reliable fetch is for one app, whose events are closed when its first worker starts."""

    def __init__(self) -> None:
        self._workers: WeakSet[Worker] = WeakSet()

    def listen(self, app: App, by: str) -> None:
        """Hear the events of the app, and declare one."""
        app.events.declare(ORPHAN, by=by)
        app.events.on("startup", self._open, by=by)
        app.events.on("exit", self._leave, by=by)

    def install(self, worker: Worker, by: str) -> None:
        """Into a worker; or into what runs one job only."""
        alone = lonely()
        if alone is not None:
            alone.install(worker, by)
            return
        settings: Any = worker.app.settings
        pro: ProSettings = settings.pro
        if not pro.reliable_fetch:
            return
        isolation = Isolation(worker.app, wanted=pro.run_alone)
        notes = SuspectNotes(worker.app, worker.identity)
        worker.recovery.fill(lambda one: recovery_of(one, pro), by=by)
        guard = Guard(worker.app, worker.identity, worker.identity_record.pid, alone=isolation.is_possible)
        worker.services.add("pro.guard", guard, by=by)
        worker.services.add("pro.isolation", Isolated(isolation, notes), by=by)
        worker.server_middleware.add("pro.alone", RunAlone(worker, isolation, notes), by=by, first=True)
        self._workers.add(worker)

    def _open(self) -> None:
        for guard in self._guards(running=True):
            guard.open()

    def _leave(self) -> None:
        for guard in self._guards(running=False):
            guard.leave()

    def _guards(self, *, running: bool) -> list[Guard]:
        found = [worker.services["pro.guard"] for worker in self._workers if worker.is_running is running]
        return [one for one in found if isinstance(one, Guard)]


class Isolated:
    """The processes of suspects, as a service: they are started when they are needed."""

    def __init__(self, isolation: Isolation, notes: SuspectNotes) -> None:
        self._isolation = isolation
        self._notes = notes

    def start(self) -> None:
        """Nothing yet."""

    def stop(self, timeout_s: float = 5.0) -> None:  # noqa: ARG002
        """End those that are left."""
        self._isolation.close()
        self._notes.close()


def recovery_of(worker: Worker, pro: ProSettings) -> GuardedRecovery:
    """The recovery of a worker with these settings."""
    app = worker.app

    def given(record: Record, death: Death) -> None:
        app.events.emit(ORPHAN, record, "unknown" if death.cause is None else str(death.cause))

    return GuardedRecovery(
        app.connections,
        app.keys,
        worker.limits,
        recovered=worker.note_recovered,
        died=worker.note_died,
        guard_s=pro.guard_s,
        isolates=pro.run_alone,
        given=given if app.events.heard(ORPHAN) else None,
        composer=app.composer,
    )
