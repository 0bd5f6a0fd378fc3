"""What is found when somebody looks at the server and at what lies in it: values that checks give and commands show."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..store.inspect import ServerFacts
    from ..store.keys import Keys

OK = "ok"
WARNING = "warning"
PROBLEM = "problem"
UNKNOWN = "unknown"
LEVELS = (OK, UNKNOWN, WARNING, PROBLEM)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check of `offsider.api.doctor` has found.

    Attributes:
        name: What was looked at, e.g. ``eviction``.
        level: ``ok``; ``warning``: it costs something, or will; ``problem``: jobs are in danger, or do not run;
            ``unknown``: nobody may look.
        value: What is there, as a sentence.
        expected: What should be there; empty when it is.
        advice: What follows from it, and what to do.

    Example:
        >>> str(Finding("eviction", PROBLEM, "it is 'allkeys-lru'", "'noeviction'", "Set it"))
        "it is 'allkeys-lru'; expected 'noeviction'. Set it"
    """

    name: str
    level: str
    value: str
    expected: str = ""
    advice: str = ""

    def __str__(self) -> str:
        said = f"{self.value}; expected {self.expected}" if self.expected else self.value
        return f"{said}. {self.advice}" if self.advice else said

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return asdict(self)


Check = Callable[[Any, "ServerFacts"], Iterable[Finding]]
"""A function of the app and of what the server says of itself; gives what it has found.

One with a true attribute ``offline`` does not ask the server. It is called when that does not answer, too, with None.
"""


@dataclass(frozen=True, slots=True)
class KeyKind:
    """One kind of keys in a namespace.

    Attributes:
        name: What it is called, e.g. ``queue``.
        pattern: A regular expression that the whole key matches, prefix included.
        type: ``string``, ``list``, ``set``, ``zset`` or ``hash``.
        ttl_s: It ends by itself, after so many seconds at most; None for one that stays.
    """

    name: str
    pattern: str
    type: str
    ttl_s: int | None = None


@dataclass(frozen=True, slots=True)
class Breach:
    """Something that must hold and does not.

    Attributes:
        rule: Which one, e.g. ``twice``.
        says: What is wrong, as a sentence.
        advice: What to do about it.
        note: True for what may be meant so: it is told, and changes no exit code.
        mend: Puts it right without losing a job, and says whether it has; None where that is not safe.
    """

    rule: str
    says: str
    advice: str = ""
    note: bool = False
    mend: Callable[[], bool] | None = field(default=None, compare=False, repr=False)


class Invariant:
    """What must hold in the keys of one owner: the core's, or those of an edition. Both methods may be left out."""

    def kinds(self, keys: Keys) -> Iterable[KeyKind]:  # noqa: ARG002
        """The kinds of keys that it writes; one that nobody writes is told."""
        return ()

    def breaches(self, app: Any) -> Iterable[Breach]:  # noqa: ARG002
        """What does not hold. Workers go on meanwhile: look again before you give one."""
        return ()
