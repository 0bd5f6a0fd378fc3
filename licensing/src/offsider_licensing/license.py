"""A licence that was read and checked, as a value; what it means at a moment is `policy`'s part."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .armour import EVALUATION

if TYPE_CHECKING:
    from .claims import Claims

TIERS = ("enterprise", "pro")


@dataclass(frozen=True, slots=True)
class License:
    """Who may use what, until when. It does not hold the licence's text.

    Attributes:
        id: ``lic_…``; ``evaluation`` for the evaluation licence.
        customer: Whose it is.
        editions: What it is for.
        threads: Worker threads over all processes; None for as many as you like.
        issued_s: When it was issued, in seconds since 1970.
        expires_s: When it ends; None for the evaluation licence, which does not.
        grace_days: How long a newer version goes on after that.
        key_id: The user's name at the private index; empty for the evaluation licence.
        source: Where it was found.
        evaluation: True for the evaluation licence: not for production, and marked wherever it is used.
    """

    id: str
    customer: str
    editions: tuple[str, ...]
    threads: int | None
    issued_s: int
    expires_s: int | None
    grace_days: int
    key_id: str
    source: str
    evaluation: bool = False

    @property
    def tier(self) -> str:
        """The highest edition that it is for."""
        return next((tier for tier in TIERS if tier in self.editions), self.editions[0])

    @property
    def expires(self) -> str:
        """The day of its end in UTC, ``YYYY-MM-DD``; ``never`` for the evaluation licence."""
        return "never" if self.expires_s is None else day(self.expires_s)


def from_claims(claims: Claims, source: str) -> License:
    """The value of checked claims."""
    return License(
        id=claims.jti,
        customer=claims.sub,
        editions=tuple(claims.aud),
        threads=claims.limits.threads,
        issued_s=claims.iat,
        expires_s=claims.exp,
        grace_days=claims.grace_days,
        key_id=claims.key_id,
        source=source,
    )


def evaluation(source: str) -> License:
    """The evaluation licence: every edition, no limit, no end, no signature."""
    return License(
        id=EVALUATION,
        customer=EVALUATION,
        editions=TIERS,
        threads=None,
        issued_s=0,
        expires_s=None,
        grace_days=0,
        key_id="",
        source=source,
        evaluation=True,
    )


def day(second: int) -> str:
    """A moment's day in UTC.

    Example:
        >>> day(0)
        '1970-01-01'
    """
    return datetime.fromtimestamp(second, UTC).date().isoformat()
