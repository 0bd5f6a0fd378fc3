"""What a job's payloads carry, opened, and whether it may be shown. `Job` inherits it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .args import Arguments
from .record import Record
from .sealing import FIELD

if TYPE_CHECKING:
    from ..contract.codec import Codec
    from .options import JobOptions


class Secrecy:
    """A job whose arguments, errors and results may be sealed.

    Attributes:
        codec: What seals and opens them.
        secret: True when its options say that they are sealed: they are shown and logged nowhere.
    """

    name: str
    fn: Callable[..., Any]
    options: JobOptions
    arguments: Any
    codec: Codec
    secret: bool = False
    _sealing: frozenset[str] = frozenset()  # options

    def use(self, codec: Codec) -> None:
        """Seal with this what the options want to be sealed."""
        self.codec, self._sealing = codec, codec.fields
        self.secret = self._wants(self.options)

    def hides(self, record: Record) -> bool:
        """True when what a payload of this job carries, and what becomes of it, is shown and logged nowhere."""
        return self.secret or FIELD in record

    def restored(self, record: Record) -> tuple[list[Any], dict[str, Any]]:
        """The arguments of one of its payloads, as the annotated types; the payload stays as it is.

        Raises:
            InvalidArguments: They do not fit the signature.
            Malformed: They are sealed, and not what was sealed.
            Hold: They are sealed, and cannot be opened here.
        """
        if not self.hides(record):
            decoded: tuple[list[Any], dict[str, Any]] = self.arguments.decode(
                record["args"], record.get("kwargs") or {}
            )
            return decoded
        args, kwargs = self.codec.open(record, self)  # type: ignore[arg-type]
        return self._unseen.decode(args, kwargs)

    def arguments_for(self, options: JobOptions) -> Arguments:
        """What encodes the arguments of calls with these options: when they are to be sealed, no message shows them."""
        made: Arguments = self._unseen if self._wants(options) else self.arguments
        return made

    def _wants(self, options: JobOptions) -> bool:
        return any(options.extra.get(name) for name in self._sealing)

    @cached_property
    def _unseen(self) -> Arguments:
        """For payloads that are sealed, whatever the options say: no message shows a value."""
        made: Arguments = self.arguments if self.secret else Arguments(self.fn, self.name, secret=True)
        return made
