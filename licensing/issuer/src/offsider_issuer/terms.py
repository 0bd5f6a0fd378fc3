"""What a customer buys: an edition, until when, how many threads. Values only, no I/O."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from .errors import TermsError

EDITIONS: dict[str, tuple[str, ...]] = {"pro": ("pro",), "enterprise": ("enterprise", "pro")}
PROJECTS: dict[str, tuple[str, ...]] = {
    "pro": ("offsider-licensing", "offsider-pro"),
    "enterprise": ("offsider-enterprise", "offsider-licensing", "offsider-pro"),
}
MOST_GRACE_DAYS = 365
MOST_NAME_LETTERS = 200
LAST_DAY = date(2199, 12, 31)

_PERIOD = re.compile(r"([1-9][0-9]{0,3})([dmy])")


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one licence.

    Attributes:
        edition: ``pro`` or ``enterprise``.
        ends: The last day, in UTC.
        threads: The number bought; None is no limit. Only the Enterprise edition counts.
        grace_days: Days after the end in which versions built after it still work.
    """

    edition: str
    ends: date
    threads: int | None = None
    grace_days: int = 30

    def checked(self) -> Terms:
        """These terms.

        Raises:
            TermsError: No licence can have them.
        """
        if self.edition not in EDITIONS:
            raise TermsError(f"the edition is {self.edition!r}: expected one of {', '.join(EDITIONS)}")
        if self.threads is not None and self.edition != "enterprise":
            raise TermsError(f"{self.threads} threads for {self.edition}: only enterprise is sold by threads")
        if self.threads is not None and not 1 <= self.threads <= 1_000_000:
            raise TermsError(f"{self.threads} threads: expected 1 to 1,000,000, or no limit")
        if not 0 <= self.grace_days <= MOST_GRACE_DAYS:
            raise TermsError(f"{self.grace_days} days of grace: expected 0 to {MOST_GRACE_DAYS}")
        if self.ends > LAST_DAY:
            raise TermsError(f"the end is {self.ends}: expected a day up to {LAST_DAY}")
        return self


def customer_name(given: str) -> str:
    """A customer's name as it is written into licences: one printable line.

    Raises:
        TermsError: It is empty, too long, or has control characters.
    """
    name = " ".join(given.split(" ")).strip()
    if not name or len(name) > MOST_NAME_LETTERS or not name.isprintable():
        raise TermsError(f"the customer is {given!r}: expected one printable line of 1 to {MOST_NAME_LETTERS} letters")
    return name


def end_s(day: date) -> int:
    """The last second of a day, in UTC, in seconds since 1970.

    Example:
        >>> end_s(date(1970, 1, 1))
        86399
    """
    return int(datetime.combine(day, time(23, 59, 59), UTC).timestamp())


def start_s(day: date) -> int:
    """The first second of a day, in UTC, in seconds since 1970."""
    return int(datetime.combine(day, time(), UTC).timestamp())


def day_of(seconds: float) -> date:
    """The day of a moment, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).date()


def after(start: date, period: str) -> date:
    """The day a period after another one: ``30d``, ``13m``, ``1y``.

    Raises:
        TermsError: It is no period, or ends too late.

    Example:
        >>> after(date(2027, 1, 31), "1m")
        datetime.date(2027, 2, 28)
    """
    match = _PERIOD.fullmatch(period)
    if match is None:
        raise TermsError(f"the period is {period!r}: expected a number and d, m or y, for example 30d, 13m, 1y")
    count, unit = int(match[1]), match[2]
    try:
        return (
            start + timedelta(days=count) if unit == "d" else _months_after(start, count * (12 if unit == "y" else 1))
        )
    except (ValueError, OverflowError):
        raise TermsError(f"{period} after {start} is past the last day a licence can have, {LAST_DAY}") from None


def _months_after(start: date, count: int) -> date:
    year, month = divmod(start.year * 12 + start.month - 1 + count, 12)
    return date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))
