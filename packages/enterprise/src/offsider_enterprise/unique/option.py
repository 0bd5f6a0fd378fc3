"""The option ``unique``: what makes two jobs the same, for how long, and what becomes of the second. Pure, no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from offsider import OptionSpec
from offsider.errors import InvalidOption, shown, suggest
from offsider.job.options import seconds

EDITION = "enterprise"
SUCCESS, START, EXPIRY = "success", "start", "expiry"
REJECT, REPLACE, DEBOUNCE, THROTTLE = "reject", "replace", "debounce", "throttle"
UNTIL = (SUCCESS, START, EXPIRY)
POLICIES = (REJECT, REPLACE, DEBOUNCE, THROTTLE)
MOST_KEY_LETTERS = 1000


@dataclass(frozen=True, slots=True)
class Unique:
    """Of jobs that are the same, one waits or runs at a time.

    Args:
        for_s: The lock ends by itself so long after the job is due (seconds, or a `timedelta`): at the push, or at its
            time, or at its next attempt. None: it lasts as long as its job.
        until: When it ends before: ``"success"``: with the job, however that ends; ``"start"``: when its body begins;
            ``"expiry"``: not before its time.
        by: Names of the arguments that make two jobs the same; None for all of them, ``()`` for none of them.
        key: Instead of arguments: a text of your own.
        policy: What becomes of a job while another holds the lock. ``"reject"``: it is not enqueued. ``"replace"``: it
            takes the place of one that has not begun. ``"debounce"``: the same, and it runs ``for_s`` after the last
            call. ``"throttle"``: it is not enqueued, and the lock lasts for ``for_s``, however fast the job is.
        raises: True: a call that is not enqueued raises `EnqueueRejected` instead of returning None.

    Raises:
        InvalidOption: One of them cannot be, or they do not go together.

    Example:
        >>> Unique(600, by="account").by
        ('account',)
    """

    for_s: float | timedelta | None = None
    until: str = ""
    by: str | Sequence[str] | None = None
    key: str | None = None
    policy: str = REJECT
    raises: bool = False

    def __post_init__(self) -> None:
        _one_of("policy", self.policy, POLICIES)
        natural = {THROTTLE: EXPIRY, DEBOUNCE: START}.get(self.policy, SUCCESS)
        object.__setattr__(self, "until", self.until or natural)
        _one_of("until", self.until, UNTIL)
        if self.for_s is not None:
            object.__setattr__(self, "for_s", _duration(self.for_s))
        object.__setattr__(self, "by", _names(self.by))
        self._check_key()
        self._check_together(natural)
        if type(self.raises) is not bool:
            raise InvalidOption(f"Unique(raises={shown(self.raises)}): expected True or False")

    def _check_key(self) -> None:
        if self.key is None:
            return
        if type(self.key) is not str or not 0 < len(self.key) <= MOST_KEY_LETTERS:
            raise InvalidOption(f"Unique(key={shown(self.key)}): expected a text of 1 to {MOST_KEY_LETTERS} letters")
        if self.by is not None:
            raise InvalidOption(f"Unique(by={self.by!r}, key={self.key!r}): give one of them")

    def _check_together(self, natural: str) -> None:
        if self.policy in (THROTTLE, DEBOUNCE) and self.until != natural:
            raise InvalidOption(
                f"Unique(policy={self.policy!r}, until={self.until!r}): {self.policy} is until {natural!r}; leave until"
                " out"
            )
        if self.policy == REPLACE and self.until == EXPIRY:
            raise InvalidOption(
                "Unique(policy='replace', until='expiry'): what has run cannot be replaced; use until='success', or"
                " policy='throttle'"
            )
        if self.for_s is None and self.until == EXPIRY:
            raise InvalidOption(f"Unique(policy={self.policy!r}, until='expiry') needs for_s: how long the lock lasts")
        if self.for_s is None and self.policy == DEBOUNCE:
            raise InvalidOption("Unique(policy='debounce') needs for_s: how long after the last call the job runs")

    def to_wire(self) -> dict[str, Any]:
        """What travels to the stamp: only what is not usual."""
        given = {"for": self.for_s, "by": None if self.by is None else list(self.by), "key": self.key}
        wire: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        wire |= {"until": self.until, "policy": self.policy}
        return {**wire, "raises": True} if self.raises else wire


def unique(value: object) -> Mapping[str, Any] | None:
    """The value of the option ``unique``: True, seconds, a `timedelta` or a `Unique`; False or None for no lock.

    Raises:
        InvalidOption: It is none of these.

    Example:
        >>> unique(600)
        {'for': 600.0, 'until': 'success', 'policy': 'reject'}
    """
    if value is None or value is False:
        return None
    if value is True:
        return Unique().to_wire()
    if isinstance(value, Unique):
        return value.to_wire()
    if isinstance(value, (int, float, timedelta)):
        return Unique(value).to_wire()
    raise InvalidOption(
        f"unique is {shown(value)}: expected True, seconds, a timedelta or Unique(…); False for no lock"
    )


OPTIONS = (OptionSpec("unique", EDITION, unique),)


def _duration(value: object) -> float:
    duration_s = seconds(value, "unique")
    if duration_s < 0.001:
        raise InvalidOption(f"unique is {shown(value)}: no lock would be held; expected more seconds, or False")
    return duration_s


def _names(by: object) -> tuple[str, ...] | None:
    if by is None:
        return None
    if isinstance(by, str):
        return (by,)
    if isinstance(by, (list, tuple)) and all(type(one) is str for one in by):
        return tuple(dict.fromkeys(by))
    raise InvalidOption(f"Unique(by={shown(by)}): expected names of arguments, e.g. by=('account',)")


def _one_of(name: str, value: object, expected: Sequence[str]) -> None:
    if value not in expected:
        hint = suggest(value, expected) if isinstance(value, str) else ""
        raise InvalidOption(f"Unique({name}={shown(value)}): expected one of {', '.join(map(repr, expected))}.{hint}")
