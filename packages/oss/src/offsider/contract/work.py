"""What a worker's replaceable parts must be, fetcher and service, and the control signals between them and it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from ..job.options import seconds
from ..job.outcome import Kind
from .effects import Call

# Of the queues of a fetcher: those from which nothing is to be taken now.
QueueFilter = Callable[[Sequence[str]], Collection[str]]


class Fenced(Exception):
    """A control signal of a fetcher: its lease was lost, its jobs run elsewhere."""


class Hold(BaseException):
    """A control signal of server middleware: not now. The job waits in the schedule and uses no attempt.

    It is no failure, and therefore no `Exception`: ``except Exception`` in middleware around it does not see it. The
    body says the same with `Snooze`.

    Args:
        reason: For the log, and for whoever asks why the job does not run.
        delay_s: When to try again, in seconds or as a `timedelta`; give it room: until then others run.

    Raises:
        InvalidOption: ``delay_s`` is no duration.

    Example:
        >>> from offsider.contract.middleware import ServerMiddleware
        >>> class Closed(ServerMiddleware):
        ...     def call(self, execution, next):
        ...         raise Hold("the shop is closed", delay_s=600)
    """

    def __init__(self, reason: str, *, delay_s: float | timedelta) -> None:
        super().__init__(reason)
        self.reason = reason
        self.delay_s = seconds(delay_s, "Hold(delay_s)")


class Interrupted(Hold):
    """A control signal of the worker: a resumable job has come to a yield, and goes on later. It uses no attempt.

    Who lets a `Hold` through lets this through: it is no failure, and not the job's end.

    Args:
        reason: For the log.
        to_the_end: True to let what waits in its queue go first; else it is taken next, by whoever is free.
    """

    def __init__(self, reason: str, *, to_the_end: bool = False) -> None:
        super().__init__(reason, delay_s=0.0)
        self.to_the_end = to_the_end


@dataclass(slots=True)
class UnitOfWork:
    """A job in flight.

    Attributes:
        field: Its name in the owner's in-flight hash: ``<number>:<queue>``.
        queue: Where it was taken from.
        payload: The bytes as they were in the queue.
    """

    field: str
    queue: str
    payload: bytes


@dataclass(slots=True)
class Settlement:
    """The end of a job in flight, as it travels with the next exchange.

    Attributes:
        unit: The job.
        kind: ``done``, ``retry``, ``schedule``, ``dead``, ``quarantine`` or ``back``.
        delay_s: For ``retry`` and ``schedule``.
        payload: What is kept, for all but ``done`` and ``back``.
        calls: What effects do in the same script, if it settles this job.
    """

    unit: UnitOfWork
    kind: str
    delay_s: float
    payload: bytes | None
    calls: tuple[Call, ...] = ()


class Settled(BaseException):
    """A control signal of server middleware: this run has ended, elsewhere for example, as the settlement says.

    It is no failure, and therefore no `Exception`: ``except Exception`` in middleware around it does not see it. What
    hooks and listeners are to hear of the end is told by who has settled it.

    Args:
        settlement: What becomes of the job; its ``unit`` is the execution's.
        failed: As `offsider.worker.execution.Execution.failed`, for the metrics: None for what was no attempt.
        kind: How it ended, where the settlement does not say all of it: a job that is simply done may have been
            cancelled, or discarded.

    Example:
        >>> from offsider.contract.middleware import ServerMiddleware
        >>> class Elsewhere(ServerMiddleware):
        ...     def call(self, execution, next):
        ...         raise Settled(Settlement(execution.unit, "done", 0.0, None))
    """

    def __init__(self, settlement: Settlement, *, failed: bool | None = False, kind: Kind | None = None) -> None:
        super().__init__(settlement.kind)
        self.settlement = settlement
        self.failed = failed
        self.kind = kind


class Fetcher(Protocol):
    """Takes jobs and acknowledges them. `offsider.testing.conformance` is what each must pass.

    ``exchange``, ``pass_on`` and ``retire`` are called by one thread at a time, which is not always the same; ``wait``
    and ``renew`` by others at any time.

    ``owner`` may change in ``exchange`` and ``retire``: a fetcher that lost a reply may go on under another name.
    """

    @property
    def owner(self) -> str:
        """The name under which Redis knows it now."""

    def open(self) -> None:
        """Open the lease; raises `StoreError` when Redis is away."""

    def exchange(self, settled: Sequence[Settlement], want: int) -> list[UnitOfWork]:
        """Settle and take in one trip; may be repeated with the same settlements; raises `Fenced`, `StoreError`."""

    def wait(self, timeout_s: float) -> bool:
        """Block until there may be work (True) or the time is over."""

    def pass_on(self) -> None:
        """Wake another fetcher of these queues if they have jobs: this one was woken and has no free slot."""

    def renew(self) -> bool:
        """Prolong the lease; False when it was lost."""

    def retire(self, back: Sequence[UnitOfWork], abandoned: Sequence[UnitOfWork]) -> None:
        """Hand ``back`` what does not run; leave ``abandoned`` to whoever recovers this owner."""

    def close(self) -> None:
        """Drop the connections; tolerates twice."""


class ReadsAhead(ABC):
    """What a fetcher may do beyond `Fetcher`: send a request, and take its jobs later.

    To be derived from, so that nobody does it by accident: a wrapper that changes ``exchange`` and passes all else on
    would be passed over. Used by the thread that uses ``exchange``, which looks after a request that is on its way.
    """

    @property
    @abstractmethod
    def ahead(self) -> bool:
        """True when a request is on its way."""

    @abstractmethod
    def begin(self, settled: Sequence[Settlement], want: int) -> bool:
        """Send a request and take over the settlements; False when this is no moment for it."""

    @abstractmethod
    def finish(self) -> list[UnitOfWork]:
        """The jobs of the request on its way; raises like ``exchange``."""


class Service(Protocol):
    """A background loop of a worker."""

    def start(self) -> None:
        """Start; a second call does nothing."""

    def stop(self, timeout_s: float = ...) -> None:
        """End; tolerates not-started and twice."""
