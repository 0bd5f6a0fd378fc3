"""What is said of a licence: one line for a log, at the level that fits."""

from __future__ import annotations

import logging
from typing import NamedTuple

from .license import License
from .policy import Standing


class Notice(NamedTuple):
    """A line for the log."""

    level: int
    text: str


def notice(license: License, standing: Standing) -> Notice | None:
    """What has to be said; None while all is well."""
    of = f"the licence {license.id} of {license.customer!r}"
    match standing.state:
        case "evaluation":
            return Notice(
                logging.WARNING,
                "evaluation licence: not for production. Everything works and nothing is limited; put a licence into"
                " its place before you go live",
            )
        case "ending":
            return Notice(
                logging.WARNING,
                f"{of} ends on {license.expires}, in {_days(standing.days_left)}. Nothing stops then: this version goes"
                " on, newer ones need a new licence. Renew it",
            )
        case "fallback":
            return Notice(
                logging.WARNING,
                f"{of} ended on {license.expires}. This version is older than that and works for ever; updates and"
                " support have ended. Renew it before you upgrade",
            )
        case "grace":
            return Notice(
                logging.ERROR,
                f"{of} ended on {license.expires}, and this version was built after that. Everything still works; in"
                f" {_days(standing.grace_left)} new processes will refuse to start. Renew it now",
            )
        case "expired":
            return Notice(
                logging.ERROR,
                f"{of} ended on {license.expires}, and its grace is over. This process goes on; new ones refuse to"
                " start. Renew it now",
            )
    return None


def sentence(standing: Standing) -> str:
    """The state in words.

    Example:
        >>> sentence(Standing("ending", days_left=3))
        'ends in 3 days: renew it'
    """
    days = _days(standing.days_left)
    return {
        "valid": f"valid, {days} left",
        "ending": f"ends in {days}: renew it",
        "fallback": "ended; this version is older than its end and works for ever",
        "grace": f"ended, and new processes refuse to start in {_days(standing.grace_left)}: renew it now",
        "expired": "ended, and its grace is over: new processes refuse to start",
        "early": "has not begun",
        "evaluation": "evaluation licence: not for production",
    }[standing.state]


def _days(number: int | None) -> str:
    if not number:
        return "less than a day"
    return "1 day" if number == 1 else f"{number} days"
