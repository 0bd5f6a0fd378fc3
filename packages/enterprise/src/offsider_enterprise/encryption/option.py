"""The option ``encrypt``: which arguments of a job are encrypted. Pure, no keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from offsider import OptionSpec
from offsider.errors import InvalidOption, shown, suggest

if TYPE_CHECKING:
    from offsider.job.define import Job

FIELD = "encrypt"
EDITION = "enterprise"


def encrypt(value: object) -> bool | list[str] | None:
    """The value of the option for the payload: true for all arguments, or names of some; None for none.

    Raises:
        InvalidOption: It is neither.

    Example:
        >>> encrypt(("card", "cvv")), encrypt(True), encrypt(False)
        (['card', 'cvv'], True, None)
    """
    if value is True:
        return True
    if value is None or value is False:
        return None
    given = [value] if isinstance(value, str) else value
    if isinstance(given, (list, tuple, set, frozenset)) and given and all(isinstance(one, str) for one in given):
        return sorted(given)
    raise InvalidOption(
        f"encrypt is {shown(value)}: expected True for all arguments, or names of some, e.g. encrypt=('card', 'cvv')"
    )


OPTION = OptionSpec(FIELD, EDITION, encrypt)


def declared(job: Job[..., Any]) -> bool | list[str] | None:
    """What the code says of a job."""
    option: bool | list[str] | None = job.options.extra.get(FIELD)
    return option


def names_of(option: bool | list[str] | None, job: Job[..., Any]) -> frozenset[str] | None:
    """The parameters that an option names; None for all of them.

    Raises:
        InvalidOption: A name is none of the job's.
    """
    if option is True:
        return None
    names = option or []
    _check_names(names, job)
    return frozenset(names)


def _check_names(names: Iterable[str], job: Job[..., Any]) -> None:
    known = job.arguments.names
    for name in names:
        if name not in known:
            raise InvalidOption(
                f"job {job.name!r} has encrypt={name!r}, which is none of its arguments: {', '.join(known) or 'none'}."
                f"{suggest(name, known)} Nothing was enqueued"
            )


def of_call(option: Any, job: Job[..., Any]) -> frozenset[str] | None:
    """What is encrypted of one call: what the code says, and what ``using`` adds to it; None for all.

    Raises:
        InvalidOption: A name is none of the job's, or ``using`` takes away what the code says.
    """
    code = declared(job)
    if code and not option:
        raise InvalidOption(
            f"job {job.name!r} is declared with encrypt={shown(code)}: using(encrypt=…) may add to it, and take nothing"
            " away. Declare another job for what is no secret"
        )
    asked, always = names_of(option, job), names_of(code, job)
    return None if asked is None or always is None else asked | always
