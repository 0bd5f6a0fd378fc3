"""When entries are due: hard nights in hard zones, and the general rule by brute force."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offsider_enterprise.cron.schedule import Schedule, schedule

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
BEIRUT, SANTIAGO, APIA, KATHMANDU = "Asia/Beirut", "America/Santiago", "Pacific/Apia", "Asia/Kathmandu"

# The cron, its zone, where we begin, and what comes; all times are UTC.
NIGHTS = [
    # Berlin leaves out 02:00 to 03:00 in spring, at 01:00 UTC.
    ("30 2 * * *", BERLIN, "2026-03-28 00:00", ["03-28 01:30", "03-29 01:00", "03-30 00:30"]),
    ("0-59/20 2 * * *", BERLIN, "2026-03-29 00:00", ["03-29 01:00", "03-30 00:00", "03-30 00:20"]),
    ("*/20 2 * * *", BERLIN, "2026-03-29 00:00", ["03-30 00:00", "03-30 00:20", "03-30 00:40", "03-31 00:00"]),
    ("*/30 * * * *", BERLIN, "2026-03-29 00:15", ["03-29 00:30", "03-29 01:00", "03-29 01:30"]),
    ("30 2 29 3 *", BERLIN, "2026-01-01 00:00", ["2026-03-29 01:00", "2027-03-29 00:30"]),
    ("15 2,3 * * *", BERLIN, "2026-03-29 00:00", ["03-29 01:00", "03-29 01:15", "03-30 00:15"]),
    # Berlin shows 02:00 to 03:00 twice in autumn, the second time from 01:00 UTC.
    ("30 2 * * *", BERLIN, "2026-10-24 12:00", ["10-25 00:30", "10-26 01:30"]),
    ("0,30 1-3 * * *", BERLIN, "2026-10-24 23:45", ["10-25 00:00", "10-25 00:30", "10-25 02:00", "10-25 02:30"]),
    ("30 * * * *", BERLIN, "2026-10-24 23:45", ["10-25 00:30", "10-25 01:30", "10-25 02:30"]),
    ("*/30 2 * * *", BERLIN, "2026-10-24 23:45", ["10-25 00:00", "10-25 00:30", "10-25 01:00", "10-25 01:30"]),
    ("*/30 2 25 10 *", BERLIN, "2026-10-25 01:15", ["2026-10-25 01:30", "2027-10-25 00:00"]),
    ("*/30 2 25 10 *", BERLIN, "2026-01-01 00:00", ["10-25 00:00", "10-25 00:30", "10-25 01:00", "10-25 01:30"]),
    # New York: 02:00 to 03:00 is left out at 07:00 UTC, 01:00 to 02:00 comes again at 06:00 UTC.
    ("0 2 * * *", NEW_YORK, "2026-03-08 00:00", ["03-08 07:00", "03-09 06:00"]),
    ("30 1 * * *", NEW_YORK, "2026-03-08 00:00", ["03-08 06:30", "03-09 05:30"]),
    ("30 1 * * *", NEW_YORK, "2026-11-01 00:00", ["11-01 05:30", "11-02 06:30"]),
    ("0 * * * *", NEW_YORK, "2026-11-01 04:30", ["11-01 05:00", "11-01 06:00", "11-01 07:00"]),
    # Lord Howe changes by half an hour.
    ("15 2 * * *", LORD_HOWE, "2026-10-03 00:00", ["10-03 15:30", "10-04 15:15"]),
    ("45 1 * * *", LORD_HOWE, "2026-04-04 00:00", ["04-04 14:45", "04-05 15:15"]),
    ("*/15 1 * * *", LORD_HOWE, "2026-04-04 14:20", ["04-04 14:30", "04-04 14:45", "04-04 15:00", "04-04 15:15"]),
    # Beirut and Santiago change at midnight: a day without a midnight, and one whose last hour comes twice.
    ("0 0 * * *", BEIRUT, "2026-03-28 00:00", ["03-28 22:00", "03-29 21:00"]),
    ("30 23 * * *", BEIRUT, "2026-10-24 00:00", ["10-24 20:30", "10-25 21:30"]),
    ("0 0 * * sun", SANTIAGO, "2026-09-05 00:00", ["09-06 04:00", "09-13 03:00"]),
    ("30 23 * * *", SANTIAGO, "2026-04-04 12:00", ["04-05 02:30", "04-06 03:30"]),
    # Apia had no 30th of December in 2011.
    ("0 12 * * *", APIA, "2011-12-29 12:00", ["12-29 22:00", "12-30 22:00", "12-31 22:00"]),
    ("0 */6 * * *", APIA, "2011-12-30 05:00", ["12-30 10:00", "12-30 16:00", "12-30 22:00"]),
    ("0 0 30 12 *", APIA, "2011-12-01 00:00", ["2012-12-29 10:00"]),
    # Kathmandu is a quarter of an hour off all hours.
    ("0 3 * * *", KATHMANDU, "2026-01-01 00:00", ["01-01 21:15", "01-02 21:15"]),
    ("*/30 * * * *", KATHMANDU, "2026-01-01 00:00", ["01-01 00:15", "01-01 00:45"]),
    # Calendars.
    ("0 0 29 2 *", "UTC", "2096-03-01 00:00", ["2104-02-29 00:00"]),
    ("0 0 L 2 *", "UTC", "2027-01-01 00:00", ["2027-02-28 00:00", "2028-02-29 00:00"]),
    ("0 9 * * fri#2", "UTC", "2026-12-01 00:00", ["2026-12-11 09:00", "2027-01-08 09:00"]),
    ("0 9 * * L5", "UTC", "2026-12-01 00:00", ["2026-12-25 09:00", "2027-01-29 09:00"]),
    ("0 0 13 * fri", "UTC", "2026-11-10 00:00", ["11-13 00:00", "11-20 00:00", "11-27 00:00", "12-04 00:00"]),
    ("0 0 * * 7", "UTC", "2026-11-25 00:00", ["11-29 00:00", "12-06 00:00"]),
]


def utc(text: str, year: str = "") -> int:
    text = text if text.count("-") == 2 else f"{year}-{text}"
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(("cron", "zone", "start", "expected"), NIGHTS)
def test_hard_nights(cron: str, zone: str, start: str, expected: list[str]) -> None:
    coming = Schedule(cron, zone, "x").coming(utc(start))
    found = [str(datetime.fromtimestamp(one, UTC))[:16] for one in islice(coming, len(expected))]
    assert found == [one if one.count("-") == 2 else f"{start[:4]}-{one}" for one in expected]


@pytest.mark.parametrize(("cron", "zone", "start", "expected"), NIGHTS)
def test_the_latest_is_the_last_that_has_come(cron: str, zone: str, start: str, expected: list[str]) -> None:
    one = Schedule(cron, zone, "x")
    coming = [utc(text, start[:4]) for text in expected]
    for earlier, later in pairwise(coming):
        assert one.latest(earlier) == earlier
        assert one.latest(later - 1) == earlier
        assert one.latest(earlier + 0.5) == earlier


CHANGES = {
    BERLIN: ("2026-03-29 01:00", "2026-10-25 01:00"),
    NEW_YORK: ("2026-03-08 07:00", "2026-11-01 06:00"),
    LORD_HOWE: ("2026-10-03 15:30", "2026-04-04 15:00"),
    BEIRUT: ("2026-03-28 22:00", "2026-10-24 21:00"),
    SANTIAGO: ("2026-09-06 04:00", "2026-04-05 03:00"),
    APIA: ("2011-12-30 10:00",),
    KATHMANDU: ("2026-01-01 00:00",),
}
MINUTES = st.sampled_from(["0", "30", "*", "*/7", "*/30", "15,45", "10-20/5", "59"])
HOURS = st.sampled_from(["0", "1", "2", "3", "23", "*", "*/2", "1-3", "0,2", "22-23"])
DAYS = st.sampled_from(["*", "*", "*", "29", "1-7", "30"])
WEEKDAYS = st.sampled_from(["*", "*", "sun", "mon-fri", "6,0"])


@settings(max_examples=25, deadline=None)
@given(
    MINUTES, HOURS, DAYS, WEEKDAYS,
    st.sampled_from([(zone, change) for zone, changes in CHANGES.items() for change in changes]),
    st.integers(-26 * 3600, 3 * 3600),
)  # fmt: skip
def test_what_comes_is_what_a_wall_clock_shows(
    minute: str, hour: str, day: str, weekday: str, at: tuple[str, str], ahead_s: int
) -> None:
    """Looked at minute by minute, with another reader of crontabs."""
    one = schedule(f"{minute} {hour} {day} * {weekday}", at[0], "x")
    begin = utc(at[1]) + ahead_s
    end = begin + 29 * 3600
    found = []
    for instant in one.coming(begin):
        if instant > end:
            break
        found.append(instant)
    assert found == [instant for instant in brute(one, begin, end) if begin < instant <= end]
    assert one.latest(end) == (found[-1] if found else one.latest(begin))


def brute(one: Schedule, begin: int, end: int) -> list[int]:
    wall = one.clock
    minutes = range((begin // 60 - 60 * 27) * 60, end + 60, 60)
    if not one.fields.follows_clock:
        return [instant for instant in minutes if matches(one, wall.reading(instant))]
    found: set[int] = set()
    seen: set[datetime] = set()
    before = wall.reading(minutes[0] - 60)
    for instant in minutes:
        reading = wall.reading(instant)
        left_out = (reading - before) // timedelta(minutes=1) - 1
        if 0 < left_out <= 180 and any(matches(one, before + timedelta(minutes=k + 1)) for k in range(left_out)):
            found.add(instant)
        if reading not in seen and matches(one, reading):
            found.add(instant)
        seen.add(reading)
        before = reading
    return sorted(found)


NAMES = {"sun": 0, "mon": 1, "fri": 5}


@cache
def values(text: str, size: int) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _slash, step = part.partition("/")
        first, _dash, last = span.partition("-")
        low, high = (0, size) if span == "*" else (NAMES.get(first) or int(NAMES.get(first, first)), None)
        high = size if high is not None else int(NAMES.get(last, last)) if last else low
        found.update(range(low, high + 1, int(step or 1)))
    return found


def matches(one: Schedule, reading: datetime) -> bool:
    minute, hour, day, _month, weekday = one.fields.text.split()
    if reading.minute not in values(minute, 59) or reading.hour not in values(hour, 23):
        return False
    on_day = reading.day in values(day, 31)
    on_weekday = reading.isoweekday() % 7 in values(weekday, 6)
    return (on_day or on_weekday) if "*" not in (day, weekday) else (on_day and on_weekday)


def test_h_is_the_same_for_a_name_and_spread_over_names() -> None:
    assert str(Schedule("H H * * *", "UTC", "nightly")) == "H H * * * (UTC)"
    places = {Schedule("H H * * *", "UTC", f"entry{k}").after(0) for k in range(200)}
    assert len(places) > 100
    assert Schedule("H H * * *", "UTC", "entry1").after(0) == Schedule("H H * * *", "UTC", "entry1").after(0)
    in_ten = {Schedule("H(0-9) 3 * * *", "UTC", f"entry{k}").after(0) // 60 % 60 for k in range(100)}
    assert in_ten == set(range(10))
