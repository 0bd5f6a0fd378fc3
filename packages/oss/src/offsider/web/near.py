"""Where a job was seen, in the address of its page: it is looked for there first, before everything is searched."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..api.search import IN_FLIGHT, PLACES, QUEUE, Near
from ..errors import InvalidOption, shown
from ..job.record import check_name

if TYPE_CHECKING:
    from .visit import Visit

MOST_WAITING = 10**10
MOST_LETTERS = 300


def seen(place: str, *, at: Any = None, of: str = "") -> dict[str, Any]:
    """What stands behind the question mark.

    Args:
        place: One of those of `offsider.api.search`; empty when it is not known.
        at: In a queue its position, in a set its time, in flight the process; None when that is not known.
        of: The queue.

    Example:
        >>> seen("queue", at=17, of="mail"), seen("dead", at=1.5), seen("dead")
        ({'in': 'queue', 'at': '17', 'of': 'mail'}, {'in': 'dead', 'at': '1.5'}, {})
    """
    if not place or at in (None, ""):
        return {}
    found = {"in": place, "at": at if isinstance(at, str) else repr(at)}
    return {**found, "of": of} if of else found


def near(visit: Visit) -> Near | None:
    """Where its link has seen the job; None when it does not say.

    Raises:
        InvalidOption: It says what cannot be.
    """
    place = visit.query("in")
    if not place:
        return None
    if place == QUEUE:
        return Near(place, check_name("queue", visit.query("of")), visit.number("at", 1, 1, MOST_WAITING))
    if place == IN_FLIGHT:
        return Near(place, process=visit.query("at")[:MOST_LETTERS])
    if place in PLACES:
        return Near(place, at_s=_time(visit.query("at")))
    raise InvalidOption(f"in is {shown(place)}: expected one of {', '.join(PLACES)}")


def _time(text: str) -> float:
    try:
        at_s = float(text)
    except ValueError:
        at_s = math.nan
    if not math.isfinite(at_s):
        raise InvalidOption(f"at is {shown(text)}: expected seconds since 1970")
    return at_s
