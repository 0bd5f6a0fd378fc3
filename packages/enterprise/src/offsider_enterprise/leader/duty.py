"""Something that one process at a time is to do, every so often. A value; does nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offsider.errors import InvalidOption, shown
from offsider.job.options import seconds

if TYPE_CHECKING:
    from .leadership import Term


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that one process at a time is to do.

    Attributes:
        run: Is given the `Term`; writes through ``term.run`` are refused once it is over.
        every_s: Seconds between the beginnings of two runs; the first one is at the beginning of a term.

    Raises:
        InvalidOption: ``every_s`` is not at least one second.

    Example:
        >>> Duty(lambda term: print(term.number), every_s=60).every_s
        60
    """

    run: Callable[[Term], object]
    every_s: float

    def __post_init__(self) -> None:
        if seconds(self.every_s, "every_s") < 1:
            raise InvalidOption(f"every_s is {shown(self.every_s)}: expected seconds, at least 1")
