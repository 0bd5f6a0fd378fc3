"""Every error a user can catch, in one tree. Imports nothing of the house.

::

    OffsiderError
    ├── ConfigError
    │   ├── UnknownSetting        a key or OFFSIDER_* variable nobody knows
    │   └── InvalidSetting        a known key with a value it cannot have
    ├── JobError
    │   ├── DuplicateJob          two functions under one name
    │   ├── UnknownOption         an option nobody registered
    │   ├── InvalidOption         an option with a value it cannot have
    │   ├── InvalidArguments      a call, or a payload, that does not fit the job's signature
    │   ├── NotJson               a value that JSON cannot carry
    │   ├── InvalidName           a queue or namespace with letters it cannot have
    │   ├── PayloadTooLarge       over 16 MB
    │   └── Malformed             bytes in Redis that are no job
    ├── StoreError
    │   ├── RedisUnavailable      no answer in time
    │   │   └── EnqueueUncertain  no answer to an enqueue: again() repeats that very one
    │   ├── RedisRefused          a clear no: full, not persisting, not allowed
    │   ├── TooFewCopies          a job is in Redis, and not (yet) on as many replicas as it was to be
    │   ├── NotKept               a push without an answer could not be kept elsewhere either
    │   └── UnsupportedServer     a Redis that is too old
    ├── EmbeddedServerError       no server could be started on this machine
    ├── SeamError
    │   ├── SlotTaken             a second filler for a slot
    │   ├── SeamClosed            a registration that comes too late
    │   ├── DuplicateName         a name that is registered already
    │   ├── UnknownLink           an anchor that a chain does not have
    │   ├── ContractMismatch      an edition built for another contract
    │   └── EditionError          an edition that cannot be loaded
    ├── JobTimeout                a job ran longer than its timeout; it is retried
    ├── JobHeld                   middleware said "not now" to a job that runs inline and cannot wait
    ├── ResultError               a result that is asked for, of a job that has none (yet)
    ├── JobKilled                 a job was put among the dead by hand; listeners of ``death`` get it
    ├── ProcessLost               the process of a job was lost, again and again; the job is dead
    └── LostJob                   the job in hand runs elsewhere; stop without an effect

    JobCancelled                  a control signal, not an error: raised by ``ctx.check()`` in a job that was cancelled.
    Shutdown                      a control signal, not an error: raised in bodies when the grace is over.
                                  Both are a BaseException, so that ``except Exception`` does not swallow them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from difflib import get_close_matches


class OffsiderError(Exception):
    """The root: catches everything this package raises."""


class ConfigError(OffsiderError):
    """The settings are not usable."""


class UnknownSetting(ConfigError):
    """A key or variable nobody knows."""


class InvalidSetting(ConfigError):
    """A known key with a value it cannot have."""


class JobError(OffsiderError):
    """A job, its options or its arguments are not usable."""


class DuplicateJob(JobError):
    """Two functions under one name."""


class UnknownOption(JobError):
    """An option nobody registered."""


class InvalidOption(JobError):
    """An option with a value it cannot have."""


class InvalidArguments(JobError):
    """A call, or a payload, that does not fit the job's signature."""


class NotJson(JobError):
    """A value that JSON cannot carry.

    Attributes:
        path: Where it is, e.g. ``args[0].lines[3]``.
    """

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class InvalidName(JobError):
    """A queue or namespace with letters it cannot have."""


class PayloadTooLarge(JobError):
    """A job of over 16 MB."""


class Malformed(JobError):
    """Bytes in Redis that are no job.

    Attributes:
        reason: What is wrong with them.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class StoreError(OffsiderError):
    """Redis did not do what was asked."""


class RedisUnavailable(StoreError):
    """No answer came in time: Redis is away, or loading, or failing over.

    Attributes:
        asked: False when Redis has certainly done nothing: no connection was made, or it answered "not now".
    """

    asked = True


class EnqueueUncertain(RedisUnavailable):
    """No answer to an enqueue came within its deadline: it may be in its queue, or not.

    To enqueue anew may make a second job. `again` repeats the very same request under its own number: Redis knows
    whether it has done it, for an hour. Never two jobs.

    Attributes:
        jids: The ids of the request in doubt, as ``enqueue_many`` would have returned them.
        before: Of ``enqueue_many``: the ids of earlier requests of the same call, which are in their queues.

    Example:
        >>> try:
        ...     job.enqueue(7)                  # doctest: +SKIP
        ... except EnqueueUncertain as error:
        ...     jids = error.again()            # later, as often as you like
    """

    def __init__(
        self,
        message: str,
        jids: list[str | None],
        again: Callable[[], list[str | None]],
        aagain: Callable[[], Awaitable[list[str | None]]],
    ) -> None:
        super().__init__(message)
        self.jids = jids
        self.before: list[str | None] = []
        self._again = again
        self._aagain = aagain

    def again(self) -> list[str | None]:
        """The same request once more; its ids.

        Raises:
            EnqueueUncertain: Still no answer.
            RedisRefused: Redis said no; nothing was changed.
        """
        return self._again()

    async def aagain(self) -> list[str | None]:
        """`again`, on an event loop."""
        return await self._aagain()


class RedisRefused(StoreError):
    """Redis said no, and changed nothing: it is full, cannot persist, or does not allow it.

    Attributes:
        before: Of ``enqueue_many``: the ids of earlier requests of the same call, which are in their queues.
        jids: Of ``enqueue_many`` with shards: the ids of the request itself as far as other Redises have taken their
            jobs, None for those that are in no queue; empty when that is all of them.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.before: list[str | None] = []
        self.jids: list[str | None] = []


class TooFewCopies(StoreError):
    """Jobs are in Redis, where they run, but too few replicas have said that they have them: a failover may lose them.

    To enqueue anew would make second jobs.

    Attributes:
        jids: Their ids, as ``enqueue_many`` would have returned them.
        wanted: How many replicas were to have them.
        found: How many had; None when the connection broke before that was known.
        before: Of ``enqueue_many``: the ids of earlier requests of the same call, which have their copies.
    """

    def __init__(self, message: str, jids: list[str | None], wanted: int, found: int | None) -> None:
        super().__init__(message)
        self.jids = jids
        self.wanted = wanted
        self.found = found
        self.before: list[str | None] = []


class NotKept(StoreError):
    """Who keeps pushes while Redis is away could not keep this one; it is the cause of an `EnqueueUncertain`."""


class UnsupportedServer(StoreError):
    """A Redis that is too old for what keeps jobs safe."""


class EmbeddedServerError(OffsiderError):
    """No server could be started on this machine."""


class SeamError(OffsiderError):
    """A registration that cannot be taken."""


class SlotTaken(SeamError):
    """A second filler for a slot."""


class SeamClosed(SeamError):
    """A registration that comes too late."""


class DuplicateName(SeamError):
    """A name that is registered already."""


class UnknownLink(SeamError):
    """An anchor that a chain does not have."""


class ContractMismatch(SeamError):
    """An edition built for another version of the contract."""


class EditionError(SeamError):
    """An edition that cannot be loaded."""


class JobTimeout(OffsiderError):
    """A job ran longer than its timeout."""


class JobHeld(OffsiderError):
    """Middleware said "not now" to a job that runs inline, where no schedule is to wait in."""


class ResultError(OffsiderError):
    """A result was asked for, of a job that has none: it is not done, has failed, or is gone."""


class JobKilled(OffsiderError):
    """A job was put among the dead by hand."""


class ProcessLost(OffsiderError):
    """The process of a job was lost while the job was in flight, again and again."""


class LostJob(OffsiderError):
    """The job in hand is no longer ours: it runs elsewhere."""


class JobCancelled(BaseException):
    """Raised by ``ctx.check()`` in a job that somebody has cancelled: it ends there, and is not tried again."""


class Shutdown(BaseException):
    """Raised in a running body when the grace of a shutdown is over."""


def shown(value: object, most: int = 80) -> str:
    """A value in a message: its ``repr``, bounded; what cannot be shown is named by its type.

    Example:
        >>> shown([1, 2])
        '[1, 2]'
    """
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - whatever a value's own __repr__ raises, the message about it must be made
        return f"a {type(value).__name__} that cannot be shown"
    return text if len(text) <= most else text[: most - 1] + "…"


def suggest(word: str, known: Iterable[str]) -> str:
    """`` Did you mean 'queue'?`` for a near miss, else nothing.

    Example:
        >>> suggest("quue", ["queue", "retry"])
        " Did you mean 'queue'?"
    """
    nearest = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean {nearest[0]!r}?" if nearest else ""
