"""Five fields as crontab has them: read strictly, and when the wall clock matches them next. Knows no zones."""

from __future__ import annotations

import calendar
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from offsider.errors import InvalidOption, shown

NAMES = ("minute", "hour", "day of the month", "month", "day of the week")
SIZES = (60, 24, 31, 12, 7)
MOST_YEARS = 41  # a 29th of February on the fifth Friday of the month comes once in 40 years, and less often never
MOST_LETTERS = 200
MINUTE = timedelta(minutes=1)
_LETTERS = re.compile(r"[0-9A-Za-z*,/#()-]+\Z")
_STEP = re.compile(r"/(\d+)")
_LAST = ("l",)


class Fields:
    """When a wall clock matches.

    Args:
        text: Minute, hour, day of the month, month, day of the week. Numbers, ``*``, ``-``, ``,``, ``/``; names of
            months and days; ``L``, ``fri#2`` and ``L5``; and ``H`` for a place that comes of the name.
        name: What ``H`` comes of.

    Attributes:
        text: The fields, with one space between them.
        follows_clock: True when minute and hour are fixed: the times of a day are meant, not a rhythm.

    Raises:
        InvalidOption: The text is no such five fields, or never matches.

    Example:
        >>> fields = Fields("0 3 * * mon-fri", "nightly")
        >>> fields.after(datetime(2026, 11, 27, 3, 0))
        datetime.datetime(2026, 11, 30, 3, 0)
    """

    def __init__(self, text: str, name: str) -> None:
        parts = _checked(text)
        self.text = " ".join(parts)
        self.follows_clock = not (parts[0].startswith("*") or parts[1].startswith("*"))
        from croniter import croniter  # here: it is slow to import, and most processes only enqueue

        try:
            expanded, nth = croniter.expand(self.text, hash_id=name.encode())
        except (ValueError, KeyError) as error:
            raise InvalidOption(f"cron is {shown(text)}: {_said(error)}. {_EXPECTED}") from None
        self._minutes, self._hours, self._days, self._months, self._weekdays = (
            _numbers(values, size) for values, size in zip(expanded, SIZES, strict=True)
        )
        self._last_day = _LAST[0] in expanded[2]
        self._nth: dict[int, set[Any]] = nth or {}
        self._either = parts[2] != "*" and parts[4] != "*"
        self._any_day, self._any_weekday = parts[2] == "*", parts[4] == "*"
        if self.next_after(datetime(2000, 1, 1)) is None:  # noqa: DTZ001
            raise InvalidOption(f"cron is {shown(text)}, which never comes: no month has such a day. {_EXPECTED}")

    def after(self, reading: datetime) -> datetime:
        """The first match after a reading."""
        found = self.next_after(reading)
        assert found is not None
        return found

    def next_after(self, reading: datetime) -> datetime | None:
        """The same; None when there is none in 41 years."""
        start = reading.replace(second=0, microsecond=0) + MINUTE
        for day in self._days_from(start.date()):
            found = self._first(start.time() if day == start.date() else time())
            if found is not None:
                return datetime.combine(day, found)
        return None

    def before(self, reading: datetime) -> datetime:
        """The last match before a reading."""
        end = reading.replace(second=0, microsecond=0)
        end = end - MINUTE if end == reading else end
        for day in self._days_back(end.date()):
            found = self._last(end.time() if day == end.date() else time(23, 59))
            if found is not None:
                return datetime.combine(day, found)
        raise InvalidOption(f"cron is {self.text!r}, which has not come in {MOST_YEARS} years. {_EXPECTED}")

    # -- days ------------------------------------------------------------------------------------------------

    def _days_from(self, day: date) -> Iterator[date]:
        last = day.year + MOST_YEARS
        while day.year <= last:
            if day.month not in self._months:
                day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
                continue
            if self._is_on(day):
                yield day
            day += timedelta(days=1)

    def _days_back(self, day: date) -> Iterator[date]:
        last = day.year - MOST_YEARS
        while day.year >= last:
            if day.month not in self._months:
                day = day.replace(day=1) - timedelta(days=1)
                continue
            if self._is_on(day):
                yield day
            day -= timedelta(days=1)

    def _is_on(self, day: date) -> bool:
        if self._either:
            return self._is_day(day) or self._is_weekday(day)
        return (self._any_day or self._is_day(day)) and (self._any_weekday or self._is_weekday(day))

    def _is_day(self, day: date) -> bool:
        return day.day in self._days or (self._last_day and day.day == _length(day))

    def _is_weekday(self, day: date) -> bool:
        weekday = day.isoweekday() % 7
        if self._nth:
            wanted = self._nth.get(weekday, set())
            return (day.day - 1) // 7 + 1 in wanted or (_LAST[0] in wanted and day.day + 7 > _length(day))
        return weekday in self._weekdays

    # -- times -----------------------------------------------------------------------------------------------

    def _first(self, start: time) -> time | None:
        k = bisect_left(self._hours, start.hour)
        if k < len(self._hours) and self._hours[k] == start.hour:
            m = bisect_left(self._minutes, start.minute)
            if m < len(self._minutes):
                return time(start.hour, self._minutes[m])
            k += 1
        return time(self._hours[k], self._minutes[0]) if k < len(self._hours) else None

    def _last(self, end: time) -> time | None:
        k = bisect_right(self._hours, end.hour) - 1
        if k >= 0 and self._hours[k] == end.hour:
            m = bisect_right(self._minutes, end.minute) - 1
            if m >= 0:
                return time(end.hour, self._minutes[m])
            k -= 1
        return time(self._hours[k], self._minutes[-1]) if k >= 0 else None


_EXPECTED = "Expected five fields (minute, hour, day of the month, month, day of the week), e.g. '*/5 * * * *'"


def _checked(text: object) -> list[str]:
    parts = text.split() if isinstance(text, str) and len(text) <= MOST_LETTERS else []
    if len(parts) != len(NAMES):
        raise InvalidOption(f"cron is {shown(text)}. {_EXPECTED}")
    for name, size, part in zip(NAMES, SIZES, parts, strict=True):
        if not _LETTERS.match(part):
            raise InvalidOption(f"cron is {shown(text)}: {shown(part)} is no {name}. {_EXPECTED}")
        if re.search(r"(?i)(?<![a-z])r(?![a-z])", part):
            raise InvalidOption(
                f"cron is {shown(text)}: R is another time in each process. Write H, which comes of the entry's name"
            )
        if re.search(r"(?i)[0-9]w(?![a-z])", part):
            raise InvalidOption(f"cron is {shown(text)}: W, the nearest working day, is not known here. {_EXPECTED}")
        for step in _STEP.findall(part):
            if not 0 < int(step) <= size:
                raise InvalidOption(f"cron is {shown(text)}: the {name} has the step {step}: expected 1 to {size}")
    return parts


def _numbers(values: list[Any], size: int) -> list[int]:
    found = sorted({value for value in values if isinstance(value, int)})
    if "*" in values:
        first = 1 if size in (31, 12) else 0
        return list(range(first, first + size))
    return sorted({value % 7 for value in found}) if size == 7 else found


def _length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _said(error: Exception) -> str:
    return str(error).strip("'").rstrip(".") or type(error).__name__
