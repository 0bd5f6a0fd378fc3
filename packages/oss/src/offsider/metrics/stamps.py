"""Minutes as they stand in keys, in Sidekiq's three forms; periods of them. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from .. import clock
from ..errors import InvalidOption, shown

MINUTES_MOST = 480
HOURS_MOST = 72


def at_minute(minute: int) -> datetime:
    """The beginning of a minute since 1970, in UTC."""
    return datetime.fromtimestamp(minute * 60, UTC)


def one_minute(minute: int) -> str:
    """``YYMMDD|H:MM``.

    Example:
        >>> one_minute(28_992_003)
        '250214|8:03'
    """
    at = at_minute(minute)
    return f"{at.year % 100:02}{at.month:02}{at.day:02}|{at.hour}:{at.minute:02}"


def ten_minutes(minute: int) -> str:
    """The ten minutes in which a minute lies: ``YYMMDD|H:M``, one digit less.

    Example:
        >>> ten_minutes(28_992_003)
        '250214|8:0'
    """
    return one_minute(minute)[:-1]


def unpadded(minute: int) -> str:
    """``D-H:M``, day of the month, nothing padded: how the names of histograms end.

    Example:
        >>> unpadded(28_992_003)
        '14-8:3'
    """
    at = at_minute(minute)
    return f"{at.day}-{at.hour}:{at.minute}"


def day(minute: int) -> str:
    """``YYYY-MM-DD``."""
    return f"{at_minute(minute):%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class Period:
    """The last so many minutes, or groups of ten minutes, the running one included.

    Attributes:
        first: The first minute, since 1970.
        step: Minutes in one point: 1 or 10.
        points: How many points.
    """

    first: int
    step: int
    points: int

    @classmethod
    def last(cls, minutes: int | None = None, hours: int | None = None) -> Period:
        """By what was asked for: minutes come one by one, hours in tens of minutes. An hour by minutes when neither.

        Raises:
            InvalidOption: Both, or more than is kept: 480 minutes, 72 hours.
        """
        if minutes is not None and hours is not None:
            raise InvalidOption(f"minutes={shown(minutes)} and hours={shown(hours)} exclude each other: give one")
        now = int(clock.now_s() // 60)
        if hours is not None:
            points = 6 * _within(hours, HOURS_MOST, "hours")
            return cls((now // 10 - points + 1) * 10, 10, points)
        points = _within(60 if minutes is None else minutes, MINUTES_MOST, "minutes")
        return cls(now - points + 1, 1, points)

    @property
    def minutes(self) -> list[int]:
        """The first minute of each point, oldest first."""
        return list(range(self.first, self.first + self.step * self.points, self.step))

    @property
    def stamps(self) -> list[str]:
        """How each point stands in keys."""
        write = one_minute if self.step == 1 else ten_minutes
        return [write(minute) for minute in self.minutes]

    @property
    def days(self) -> list[str]:
        """The days in it, ``YYYYMMDD``."""
        first, last = (at_minute(minute).toordinal() for minute in (self.first, self.minutes[-1]))
        return [f"{date.fromordinal(day):%Y%m%d}" for day in range(first, last + 1)]


def _within(value: int, most: int, name: str) -> int:
    if type(value) is not int or not 1 <= value <= most:
        raise InvalidOption(
            f"{name} is {shown(value)}: expected a whole number from 1 to {most}. Single minutes are kept for 8 hours,"
            " groups of ten for 72"
        )
    return value
