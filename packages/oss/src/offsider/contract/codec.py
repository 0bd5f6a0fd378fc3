"""How what some jobs carry is written into Redis, so that only who has a key can read it: what fills the slot `codec`.

The free edition seals nothing. It knows where a sealed value lies (`offsider.job.sealing`), shows a mask there, and
leaves the rest to whoever fills the slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from ..job.record import Record
from .work import Hold

if TYPE_CHECKING:
    from ..job.define import Job
    from ..job.push import PushRequest

UNREADABLE_S = 60.0


class Codec:
    """Seals what a job carries when it is pushed, and opens it before its arguments are restored.

    What it seals it names in the field ``sealed`` of the record (`offsider.job.sealing.mark`). Whatever it is given may
    come from anybody who can write to Redis.

    Attributes:
        fields: Names of options: it is asked about jobs that have one of them.

    Example:
        >>> from offsider.job.sealing import mark
        >>> class Backwards(Codec):
        ...     fields = frozenset({"backwards"})
        ...     def seal(self, request):
        ...         record = request.record
        ...         if record.pop("backwards"):
        ...             record["args"] = [text[::-1] for text in record["args"]]
        ...             mark(record, "args")
        ...     def open(self, record, job):
        ...         return [text[::-1] for text in record["args"]], {}
    """

    fields: ClassVar[frozenset[str]] = frozenset()

    def seal(self, request: PushRequest) -> None:
        """Change the record of a push; after all client middleware, once for each job.

        Raises:
            OffsiderError: It cannot: the push is refused with it, and nothing was sent.
        """

    def open(self, record: Record, job: Job[..., Any]) -> tuple[list[Any], dict[str, Any]]:  # noqa: ARG002 - opens none
        """The JSON values of the arguments of a record, which stays as it is.

        Also asked about jobs whose code says that they are sealed, and whose record does not.

        Raises:
            Hold: Not here, or not now: the job waits.
            Malformed: It is not what was sealed: the job goes to quarantine.
        """
        raise Hold("its arguments are encrypted, and nothing is installed here that opens them", delay_s=UNREADABLE_S)

    def hides(self, job: Job[..., Any], name: str) -> bool:  # noqa: ARG002 - hides none
        """True when an argument of a job is sealed, by what the code says: in Redis nobody can compare it."""
        return False

    def seal_fields(self, record: Record, names: Sequence[str], *, jid: str, of: str) -> None:  # noqa: ARG002 - seals none
        """Seal fields that a worker has written: the error of a failure, a result. Never fails.

        Args:
            record: Is changed. It has the job's name in ``class``.
            names: Of fields; those that it does not have, or that are sealed already, are left out.
            jid: The job's id.
            of: What the record is: ``job`` or ``result``.
        """
        for name in names:
            record.pop(name, None)

    def open_fields(self, record: Record, *, jid: str, of: str) -> Record:  # noqa: ARG002 - opens none
        """A copy of a record with what `seal_fields` has sealed.

        Raises:
            Hold: Not here, or not now.
            Malformed: It is not what was sealed.
        """
        raise Hold("it is encrypted, and nothing is installed here that opens it", delay_s=UNREADABLE_S)
