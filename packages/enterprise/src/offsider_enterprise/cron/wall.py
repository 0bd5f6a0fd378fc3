"""Between the instants of the world and the wall clock of one zone. Knows no schedules, and reads no clock."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from offsider.errors import InvalidOption, shown, suggest

DAY_S = 25 * 3600  # and an hour: no zone changes twice in it
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - a wall clock has no zone


class WallClock:
    """The clock on the wall of one zone. Instants are whole seconds since 1970, readings are naive `datetime`.

    Args:
        zone: Its IANA name, or ``UTC``.

    Raises:
        InvalidOption: There is no such zone.

    Example:
        >>> clock = WallClock("Europe/Berlin")
        >>> clock.reading(1_782_000_000)
        datetime.datetime(2026, 6, 21, 2, 0)
        >>> clock.instants(datetime(2026, 3, 29, 2, 30)), len(clock.instants(datetime(2026, 10, 25, 2, 30)))
        ([], 2)
    """

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self._zone = _found(zone)

    def offset_s(self, instant: int) -> int:
        """How far the wall is ahead of UTC."""
        return round((self.reading(instant) - _EPOCH).total_seconds()) - instant

    def reading(self, instant: int) -> datetime:
        """What the wall shows."""
        return datetime.fromtimestamp(instant, self._zone).replace(tzinfo=None, fold=0)

    def instants(self, reading: datetime) -> list[int]:
        """When the wall shows that: once; never, in a gap; twice, where the clock goes back."""
        return sorted(one for one in set(self._folds(reading)) if self.reading(one) == reading)

    def gap_end(self, reading: datetime) -> tuple[int, int]:
        """Of a reading in a gap: the first instant after the gap, and how many seconds the wall has left out."""
        after, before = self._folds(reading)  # with the offset from before the gap it comes out after it
        change = self.change(before, after)
        assert change is not None
        return change, self.offset_s(change) - self.offset_s(change - 1)

    def change(self, since: int, until: int) -> int | None:
        """The first instant with another offset, of those after ``since`` and up to ``until``, at most a day later."""
        old = self.offset_s(since)
        if self.offset_s(until) == old:
            return None
        while until - since > 1:
            middle = (since + until) // 2
            if self.offset_s(middle) == old:
                since = middle
            else:
                until = middle
        return until

    def _folds(self, reading: datetime) -> tuple[int, int]:
        first, second = (reading.replace(tzinfo=self._zone, fold=fold) for fold in (0, 1))
        return round(first.timestamp()), round(second.timestamp())


def seconds_of(reading: datetime) -> int:
    """A reading as seconds since 1970, as if it were UTC."""
    return round((reading - _EPOCH).total_seconds())


@lru_cache(maxsize=1024)
def _found(zone: str) -> ZoneInfo:
    if zone == "UTC":
        return ZoneInfo("UTC")
    try:
        return ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        known = zoneinfo.available_timezones()
        near = suggest(zone, sorted(known))
        hint = "" if known else " No time zones are installed here: pip install tzdata."
        raise InvalidOption(
            f"zone is {shown(zone)}: expected UTC, or a zone's name, e.g. Europe/Berlin.{near}{hint}"
        ) from None


def utc(instant: float) -> datetime:
    """An instant as an aware `datetime`."""
    return datetime.fromtimestamp(instant, UTC)
