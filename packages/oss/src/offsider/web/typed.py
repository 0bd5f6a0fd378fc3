"""A time as somebody has typed it into a form. Pure, no I/O."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from ..errors import InvalidOption, shown

MOST_OFFSET = 24 * 60


def local_time(text: str, offset: str = "") -> float:
    """Seconds since 1970.

    Args:
        text: As browsers send it, without a zone: ``2027-01-31T14:05``.
        offset: How many minutes the reader's clock is ahead of UTC then; UTC when it is empty: without scripts nobody
            says it.

    Raises:
        InvalidOption: That is no such time.

    Example:
        >>> local_time("1970-01-01T02:00", "60")
        3600.0
    """
    try:
        minutes = int(offset or 0)
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None or abs(minutes) >= MOST_OFFSET:
            raise ValueError
        return at.replace(tzinfo=timezone(timedelta(minutes=minutes))).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        pass
    raise InvalidOption(
        f"at is {shown(text)}, {shown(offset)} minutes ahead of UTC: expected a time like 2027-01-31T14:05"
    )
