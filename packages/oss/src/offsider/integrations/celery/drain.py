"""What waits in Celery's queues on Redis becomes jobs: each message once, whatever dies in between."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ... import clock
from ...errors import JobError, Malformed, OffsiderError, StoreError
from ...store.connection import Connections
from .messages import Message, read

if TYPE_CHECKING:
    from ...app import App
    from ...job.push import PushRequest

PAGE = 200
REMEMBER_S = 86_400
STEPS = ("", *(f"\x06\x16{priority}" for priority in range(1, 10)))  # Celery's keys of one queue, by priority
READ_TIMEOUT_S = 15.0
EXPIRY = "expires_in"  # an option that an edition may have; it counts from the time at which a job is due


@dataclass(slots=True)
class Drained:
    """What was done, or would be.

    Attributes:
        moved: How many messages of each task have become jobs.
        left: How many were not moved, by task and reason.
        unacked: How many messages Celery's workers hold now: wait until these have stopped.
    """

    moved: Counter[str] = field(default_factory=Counter)
    left: Counter[tuple[str, str]] = field(default_factory=Counter)
    unacked: int = 0

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        left = [{"task": task, "reason": reason, "count": count} for (task, reason), count in self.left.items()]
        return {"moved": dict(self.moved), "left": left, "unacked": self.unacked}


class Drain:
    """Moves the messages of Celery's queues.

    * a message is first put aside, into ``QUEUE.offsider``, where no worker of Celery takes it; then it is enqueued
      under a name of its own, which Redis knows for a day; then it is removed. Whoever dies in between: the next run
      begins with what is aside, and nothing is enqueued twice;
    * what cannot become a job is kept in ``QUEUE.offsider-left``, byte for byte.

    Args:
        app: Whose jobs they become; they are checked as each call is.
        broker: Celery's ``broker_url``, a Redis.
        names: Task → job, where the job has another name.

    Example:
        >>> Drain(app, "redis://localhost:6379/0").look("celery")      # doctest: +SKIP
        Drained(moved=Counter({'shop.add': 120}), left=Counter(), unacked=0)
    """

    def __init__(self, app: App, broker: str, *, names: Mapping[str, str] | None = None) -> None:
        self._app = app
        self._names = dict(names or {})
        self._connections = Connections(broker, namespace="")
        self._wire = self._connections.wire("migrate", read_timeout_s=READ_TIMEOUT_S)

    def close(self) -> None:
        """Drop the connection."""
        self._wire.close()
        self._connections.close()

    def look(self, queue: str) -> Drained:
        """What `move` would do; nothing is changed.

        Raises:
            StoreError: Celery's Redis is away or refuses.
        """
        drained = Drained(unacked=self._unacked())
        for key in (self._aside(queue), *(queue + step for step in STEPS)):
            for raw in self._pages(key):
                task, request = self._read(raw, drained)
                if request is not None:
                    drained.moved[task] += 1
        return drained

    def move(self, queue: str) -> Drained:
        """Move all messages of a queue, those that run first first.

        Raises:
            StoreError: A Redis is away or refuses; it may be repeated, and goes on where it was.
        """
        drained = Drained(unacked=self._unacked())
        for raw in list(self._pages(self._aside(queue)))[::-1]:
            self._settle(queue, raw, drained)
        for step in STEPS:  # the most urgent first, as Celery's workers take them
            self._move_key(queue, queue + step, drained)
        return drained

    def _move_key(self, queue: str, key: str, drained: Drained) -> None:
        while (raw := self._wire.command("RPOPLPUSH", key, self._aside(queue))) is not None:
            self._settle(queue, raw, drained)

    def _settle(self, queue: str, raw: bytes, drained: Drained) -> None:
        if not self._push(raw, drained):
            self._wire.command("LPUSH", f"{queue}.offsider-left", raw)
        self._wire.command("LREM", self._aside(queue), 1, raw)

    def _push(self, raw: bytes, drained: Drained) -> bool:
        """Enqueue what a message becomes, and count it; False when it cannot become a job."""
        task, request = self._read(raw, drained)
        if request is None:
            return False
        # By its bytes, which are of one delivery: Celery gives the same id to each attempt at a task.
        once = f"celery-{hashlib.sha256(raw).hexdigest()[:32]}"
        try:
            client = self._app.client_at(self._app.place_of(request))
            client.push_once(once, [request], remember_s=REMEMBER_S)
        except StoreError:
            raise  # not this message's fault
        except OffsiderError as error:
            drained.left[task, str(error)] += 1
            return False
        drained.moved[task] += 1
        return True

    def _read(self, raw: bytes, drained: Drained) -> tuple[str, PushRequest | None]:
        """The task of a message, and the job that it becomes; None, and counted, when it cannot become one."""
        name = "?"
        try:
            message = read(raw)
            name = message.name
            return name, self._request(message)
        except OffsiderError as error:
            drained.left[name, str(error)] += 1
            return name, None

    def _request(self, message: Message) -> PushRequest:
        name = self._names.get(message.name, message.name)
        job = self._app.jobs.get(name)
        if job is None:
            raise JobError(f"the app has no job {name!r}: name it so, or say which one it is with --rename")
        left_s = _left_s(message)
        bound = job if left_s is None or EXPIRY not in self._app.job_options else job.using(expires_in=left_s)
        request = bound.request(*message.args, **message.kwargs)
        request.at_s = message.at_s
        return request

    def _aside(self, queue: str) -> str:
        return f"{queue}.offsider"

    def _unacked(self) -> int:
        return int(self._wire.command("HLEN", "unacked"))

    def _pages(self, key: str) -> Iterator[bytes]:
        """From the left; nobody but us takes from there while this is read."""
        start = 0
        while page := self._wire.command("LRANGE", key, start, start + PAGE - 1):
            yield from page
            start += len(page)


def _left_s(message: Message) -> float | None:
    """For how long it may wait from the time at which it is due; None for ever.

    Raises:
        Malformed: It is never to run.
    """
    if message.until_s is None:
        return None
    now_s = clock.now_s()
    left_s = message.until_s - max(now_s, message.at_s or 0.0)
    if left_s <= 0:
        raise Malformed("it has expired" if message.until_s <= now_s else "it expires before its eta")
    return left_s
