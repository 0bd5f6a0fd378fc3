"""Effects: what an edition does to keys of its own in the very script in which the house moves a job. No I/O here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

if TYPE_CHECKING:
    from ..job.record import Record
    from ..store.keys import Keys

Word = str | int | float | bytes

PUSH = "push"
DONE, DISCARDED, CANCELLED, DEAD = "done", "discarded", "cancelled", "dead"
QUARANTINE, DELETED = "quarantine", "deleted"
RETRY, LATER, RECOVERED, QUEUED = "retry", "later", "recovered", "queued"

ENDS = frozenset((DONE, DISCARDED, CANCELLED, DEAD, QUARANTINE, DELETED))
"""Moves after which a job does not run again by itself."""
MOVES = (PUSH, *sorted(ENDS), RETRY, LATER, RECOVERED, QUEUED)


@dataclass(frozen=True, slots=True)
class Move:
    """One job on its way from one place to the next, in one request.

    Attributes:
        kind: ``push``; an end: ``done``, ``discarded`` (failed, and not kept), ``cancelled``, ``dead``, ``quarantine``,
            ``deleted``; or the job goes on: ``retry``, ``later`` (snoozed, held, interrupted, given another time),
            ``recovered`` (its process was lost), ``queued`` (put into its queue by hand).
        record: Its payload, parsed.
        keys: Of the Redis in which it happens.
        at_s: Of a push, and of a job that was given another time by hand: when it is due, epoch seconds; None for now.
        delay_s: Of ``retry`` and ``later``: in how many seconds it is due, from the server's now.
    """

    kind: str
    record: Record
    keys: Keys
    at_s: float | None = None
    delay_s: float = 0.0


class Call(NamedTuple):
    """What one job asks of one effect in one request: it travels with the request, and is done in its script.

    Attributes:
        effect: The name under which the effect is registered.
        move: The kind of the move.
        keys: The keys that it needs, all with the namespace's prefix.
        args: Its arguments.
    """

    effect: str
    move: str
    keys: tuple[str, ...]
    args: tuple[Word, ...]


class Effect(ABC):
    """What an edition does where a job is pushed, settled, recovered, deleted: in the same script, or not at all.

    ``lua`` is a chunk that returns a table of functions, each given a call ``c`` with ``c.move``, ``c.keys``,
    ``c.args`` (texts) and ``c.now`` (ms of Redis' own time), and in a push ``c.place`` (``@`` and its time, or not) and
    ``c.payload``:

    * ``check(c)`` only looks, before anything is written. Returns nil, or the text of an error. A push is refused with
      it as a whole; of a settlement the call is left out, and the job goes its way;
    * ``admit(c)``, in a push, only looks, right before the job is put. Returns nil, or a text: the job is refused;
    * ``run(c)`` writes, once the job has been moved by this very request, and by no other.

    The rules of every script hold: declared keys, bounded work, no payload is decoded.

    Attributes:
        fields: Only jobs with one of these in their record are asked for; others cost nothing.
        lua: The chunk.
    """

    fields: ClassVar[frozenset[str]] = frozenset()
    lua: ClassVar[str] = "return {}"

    @abstractmethod
    def ask(self, move: Move) -> tuple[tuple[str, ...], tuple[Word, ...]] | None:
        """Keys and arguments of the call for this move; None when there is nothing to do. It does no I/O."""

    def refused(self, record: Record, said: str) -> Exception | None:  # noqa: ARG002
        """A push of this job was refused by ``admit``, which said this; its id becomes None.

        Returns:
            None, or the error for whoever has pushed it alone. A bulk push raises nothing.
        """
        return None
