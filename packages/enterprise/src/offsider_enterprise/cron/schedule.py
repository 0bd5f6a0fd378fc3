"""When an entry is due: its fields on the wall of its zone, as instants. Pure; reads no clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache

from .fields import Fields
from .wall import DAY_S, WallClock, seconds_of

LONGEST_GAP_S = 3 * 3600  # beyond it a date is left out, not an hour: there is nothing to make up for


class Schedule:
    """Five fields in a zone.

    * fixed times (``30 2 * * *``) happen once a day that has them: at the end of the gap when the clock leaves them
      out, the first time when it shows them twice;
    * a rhythm (minute or hour begins with ``*``) goes by the wall as it is: what is left out does not happen, what is
      shown twice happens twice;
    * an instant is a whole minute of the wall; two times that fall on one instant are one.

    Args:
        text: The fields.
        zone: Its IANA name, or ``UTC``.
        name: Of the entry: what ``H`` comes of.

    Raises:
        InvalidOption: The fields or the zone are none.

    Example:
        >>> nightly = Schedule("30 2 * * *", "Europe/Berlin", "nightly")
        >>> winter = nightly.after(1_774_700_000)     # the 28th of March; the night after it has no half past two
        >>> nightly.clock.reading(winter)
        datetime.datetime(2026, 3, 29, 3, 0)
    """

    def __init__(self, text: str, zone: str, name: str) -> None:
        self.fields = Fields(text, name)
        self.clock = WallClock(zone)

    def __str__(self) -> str:
        return f"{self.fields.text} ({self.clock.zone})"

    def after(self, instant: float) -> int:
        """The first instant after this one, seconds since 1970."""
        whole = int(instant // 1)
        return self._fixed_after(whole) if self.fields.follows_clock else self._rhythm_after(whole)

    def coming(self, instant: float) -> Iterator[int]:
        """All instants after this one."""
        found = self.after(instant)
        while True:
            yield found
            found = self.after(found)

    def latest(self, instant: float) -> int:
        """The last instant that is not after this one."""
        whole = int(instant // 1)
        changed = self.clock.change(whole - DAY_S, whole) is not None
        reading = self.clock.reading(whole - DAY_S if changed else whole) + timedelta(minutes=1)
        while True:
            reading = self.fields.before(reading)
            found = self._instant(reading)
            if found is not None and found <= whole:
                break
        while (later := self.after(found)) <= whole:
            found = later
        return found

    def _instant(self, reading: datetime) -> int | None:
        """The first instant of a reading; None when there is none."""
        found = self.clock.instants(reading)
        if found:
            return found[0]
        if not self.fields.follows_clock:
            return None
        end, gap_s = self.clock.gap_end(reading)
        return end if gap_s <= LONGEST_GAP_S else None

    def _fixed_after(self, instant: int) -> int:
        reading = self.clock.reading(instant)
        while True:
            reading = self.fields.after(reading)
            found = self._instant(reading)
            if found is not None and found > instant:
                return found

    def _rhythm_after(self, instant: int) -> int:
        """From one change of the clock to the next: within them the wall runs evenly."""
        clock, since = self.clock, instant
        reading, offset_s = clock.reading(since), clock.offset_s(since)
        while True:
            reading = self.fields.after(reading)
            found = seconds_of(reading) - offset_s
            change = clock.change(since, min(found, since + DAY_S))
            if change is not None and found >= change:
                since, offset_s = change, clock.offset_s(change)
                reading = clock.reading(change) - timedelta(seconds=1)
            elif found - since <= DAY_S:
                return found
            elif (far := self._instant(reading)) is not None:
                return far


def schedule(text: str, zone: str, name: str) -> Schedule:
    """A schedule, made once; of fields without ``H`` once for all names."""
    return _schedule(text, zone, name if "h" in str(text).lower() else "")


@lru_cache(maxsize=20_000)
def _schedule(text: str, zone: str, name: str) -> Schedule:
    return Schedule(text, zone, name)
