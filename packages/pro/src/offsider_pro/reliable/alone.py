"""Runs exactly one job in this process, as a worker would, and says how it ended. Talks to Redis only for the job.

Leases are the worker's: this process has none, and settles nothing itself.
"""

from __future__ import annotations

import base64
import contextlib
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offsider.contract.middleware import NextAsync, NextSync, ServerMiddleware
from offsider.contract.work import Settlement, UnitOfWork
from offsider.job.outcome import Kind
from offsider.worker.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offsider import App
    from offsider.job.record import Record
    from offsider.worker.capsule import Capsule

LOOK_S = 0.05
LAST_S = 5.0
_lonely: Lonely | None = None


class OneJob:
    """A fetcher that gives one job, which another process holds, and keeps what it is settled as.

    Args:
        unit: The job.
        owner: Who holds it.
    """

    def __init__(self, unit: UnitOfWork, owner: str) -> None:
        self.owner = owner
        self.settlement: Settlement | None = None
        self.over = threading.Event()
        self._unit: UnitOfWork | None = unit
        self._closed = threading.Event()

    def open(self) -> None:
        """The lease is another's."""

    def exchange(self, settled: Sequence[Settlement], want: int) -> list[UnitOfWork]:
        """The job, once."""
        for settlement in settled:
            self._settle(settlement)
        if want <= 0 or self._unit is None:
            return []
        unit, self._unit = self._unit, None
        return [unit]

    def wait(self, timeout_s: float) -> bool:
        """There is no other."""
        self._closed.wait(timeout_s)
        return False

    def pass_on(self) -> None:
        """There is nobody to pass it on to."""

    def renew(self) -> bool:
        """The lease is another's."""
        return True

    def retire(self, back: Sequence[UnitOfWork], abandoned: Sequence[UnitOfWork]) -> None:  # noqa: ARG002
        """What was stopped goes back as it is."""
        for unit in back:
            self._settle(Settlement(unit, "back", 0.0, None))

    def close(self) -> None:
        """Wake who waits."""
        self._closed.set()

    def _settle(self, settlement: Settlement) -> None:
        self.settlement = settlement
        self.over.set()


class Witness(ServerMiddleware):
    """Outermost of all: knows the execution, whose end says more than its settlement."""

    def __init__(self) -> None:
        self.execution: Any = None
        self.cancelled = False
        self._wanted = False

    def note_cancelled(self, _record: Record) -> None:
        """The job has ended on request."""
        self.cancelled = True

    def call(self, execution: Any, next: NextSync) -> Any:
        """Around a ``def`` job."""
        self._see(execution)
        return next(execution)

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        """Around an ``async def`` job."""
        self._see(execution)
        return await next(execution)

    def cancel(self) -> None:
        """Somebody has asked to end the job; it may not have begun yet."""
        self._wanted = True
        if self.execution is not None:
            self._mark(self.execution)

    def _see(self, execution: Any) -> None:
        self.execution = execution
        if self._wanted:
            self._mark(execution)

    def _mark(self, execution: Any) -> None:
        execution.watched = execution.cancelled = True


@dataclass(frozen=True, slots=True)
class Lonely:
    """What a process that runs one job only puts into its worker."""

    job: OneJob
    witness: Witness

    def install(self, worker: Worker, by: str) -> None:
        """Nothing but this job is fetched, and its execution is witnessed."""
        worker.fetcher.fill(lambda *_given: self.job, by=by, over=worker.fetcher.by)
        worker.server_middleware.add(f"{by}.witness", self.witness, by=by, first=True)
        worker.app.events.on("cancelled", self.witness.note_cancelled, by=by)


def lonely() -> Lonely | None:
    """What is to be installed in this process; None in one that is a worker."""
    return _lonely


def run_alone(app: App, words: dict[str, Any], begin: Callable[[], None]) -> dict[str, Any]:
    """Run the job; what became of it, for `offsider_pro.reliable.isolation`.

    Args:
        app: Whose job.
        words: What the isolator was told.
        begin: Called when all is ready for the job, and signals are obeyed.
    """
    global _lonely  # noqa: PLW0603 - one job a process
    unit = UnitOfWork(words["field"], words["queue"], base64.b64decode(words["payload"]))
    _lonely = Lonely(OneJob(unit, words["owner"]), Witness())
    return _run(Worker(app, concurrency=1), _lonely.job, _lonely.witness, begin)


def _run(worker: Worker, job: OneJob, witness: Witness, begin: Callable[[], None]) -> dict[str, Any]:
    capsule = worker.capsules["default"]
    worker.app.events.emit("startup")
    worker.rewire()
    with _told(capsule, witness):
        begin()
        capsule.start()
        while not job.over.wait(LOOK_S):
            continue
    capsule.end_loop(LAST_S)
    for event in ("shutdown", "exit"):
        worker.app.events.emit(event)
    settlement = job.settlement
    assert settlement is not None  # it is over
    payload = settlement.payload
    return {
        "kind": settlement.kind,
        "delay_s": settlement.delay_s,
        "payload": None if payload is None else base64.b64encode(payload).decode(),
        "failed": None if witness.execution is None else witness.execution.failed,
        "ended": _ended(settlement, witness),
    }


def _ended(settlement: Settlement, witness: Witness) -> str | None:
    """What a settlement does not say of a job that is simply done."""
    if settlement.kind != "done":
        return None
    if witness.cancelled:
        return Kind.CANCELLED.value
    failed = witness.execution is not None and witness.execution.failed
    return Kind.DISCARDED.value if failed else Kind.DONE.value


@contextlib.contextmanager
def _told(capsule: Capsule, witness: Witness) -> Iterator[None]:
    """Obey the worker: signals of it are the way that works in any state of this process but a held interpreter."""

    def cancel(_number: int, _frame: object) -> None:
        witness.cancel()

    def quiet(_number: int, _frame: object) -> None:
        capsule.quiet()

    def stop(_number: int, _frame: object) -> None:
        capsule.quiet()
        capsule.interrupt()
        threading.Thread(target=_retire, args=[capsule], daemon=True).start()

    signal.signal(signal.SIGUSR1, cancel)
    signal.signal(signal.SIGUSR2, quiet)
    signal.signal(signal.SIGTERM, stop)
    yield
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _retire(capsule: Capsule) -> None:
    capsule.wait_until_idle(LAST_S)
    capsule.end_loop(LAST_S)
    capsule.retire()
