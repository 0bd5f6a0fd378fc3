"""A job on its way to Redis, and what a push side must be able to do. Never does I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from .record import Record

if TYPE_CHECKING:
    from .define import Job


@dataclass(slots=True)
class PushRequest:
    """One job to be pushed, as client middleware sees it.

    Attributes:
        record: The payload to be; middleware may add fields. ``enqueued_at`` is set later, by the push.
        at_s: When it is due, epoch seconds; None, or a time in the past, means now.
        job: The registered job.
        waits: True when it may wait for the commit of an open transaction: the option ``transaction``.
        accepted: True once client middleware has seen it: it is not asked again.
        shard: The shard to push to, which middleware may set; None: by the queue's name.
        copies: How many replicas must have it before the push returns, which middleware may set.
    """

    record: Record
    at_s: float | None
    job: Job[..., Any]
    waits: bool = True
    accepted: bool = False
    shard: str | None = None
    copies: int = 0


# Takes requests that are to be pushed later, at a commit; what is pushed then is `accepted` and does not wait.
Later = Callable[[Sequence[PushRequest]], None]
# Asked at each push: None, or who takes it over because a transaction is open here and now.
Deferral = Callable[[], Later | None]


class Pusher(Protocol):
    """The push side, as a job sees it."""

    def push(self, request: PushRequest) -> str | None:
        """Push one; its jid, or None when a middleware stopped it."""

    async def apush(self, request: PushRequest) -> str | None:
        """The same on an event loop."""

    def push_many(self, requests: Iterable[PushRequest], batch_size: int) -> list[str | None]:
        """Push many, lazily, one trip for each ``batch_size``; one jid or None for each request."""

    async def apush_many(self, requests: Iterable[PushRequest], batch_size: int) -> list[str | None]:
        """The same on an event loop."""

    def inline(self, request: PushRequest) -> Any:
        """Run it here and now through all middleware; what the body returns."""

    async def ainline(self, request: PushRequest) -> Any:
        """The same on an event loop."""
