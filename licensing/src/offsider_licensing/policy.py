"""What a licence means at a moment: a state, and the days that are left. Reads no clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from . import build
from .errors import LicenseExpired, LicenseNotYetValid
from .license import License, day

DAY_S = 86_400
WARN_DAYS = 30
MOST_AHEAD_S = DAY_S  # of a clock that is behind the vendor's

State = Literal["valid", "ending", "fallback", "grace", "expired", "early", "evaluation"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a licence stands.

    Attributes:
        state: ``valid``; ``ending`` within 30 days; ``fallback``: it has ended, and this version is older than its
            end and works for ever; ``grace``: it has ended, and this newer version goes on for a while; ``expired``:
            no longer; ``early``: it has not begun; ``evaluation``.
        days_left: Whole days to its end, negative after it; None for the evaluation licence.
        grace_left: In ``grace``, whole days until new processes refuse.
    """

    state: State
    days_left: int | None = None
    grace_left: int | None = None

    @property
    def holds(self) -> bool:
        """True when a process may start with it."""
        return self.state not in ("expired", "early")


def judge(license: License, *, now_s: float, built: str | None) -> Standing:
    """Where it stands.

    Args:
        license: The licence.
        now_s: The clock, in seconds since 1970.
        built: The edition's build date, ``YYYY-MM-DD``; None for a source tree: now. The later of the two is now, so
            that a clock that is turned back gains nothing.
    """
    if license.expires_s is None:
        return Standing("evaluation")
    built_s = now_s if built is None else build.moment_s(built)
    now_s = max(now_s, built_s)
    left_s = license.expires_s - now_s
    days = int(left_s // DAY_S)
    if license.issued_s > now_s + MOST_AHEAD_S:
        return Standing("early", days)
    if left_s >= 0:
        return Standing("ending" if left_s <= WARN_DAYS * DAY_S else "valid", days)
    if built_s <= license.expires_s:
        return Standing("fallback", days)
    grace_s = left_s + license.grace_days * DAY_S
    return Standing("grace", days, int(grace_s // DAY_S)) if grace_s >= 0 else Standing("expired", days)


def check(license: License, *, now_s: float, built: str | None) -> Standing:
    """`judge`, for the start of a process.

    Raises:
        LicenseNotYetValid: It begins more than a day from now.
        LicenseExpired: Its grace is over.
    """
    standing = judge(license, now_s=now_s, built=built)
    if standing.state == "early":
        raise LicenseNotYetValid(
            f"the licence {license.id} of {license.customer!r} begins on {day(license.issued_s)}, and it is"
            f" {day(int(now_s))} here"
        )
    if standing.state == "expired":
        since = f"this version was built on {built}" if built else "this is a source tree, which counts as built today"
        raise LicenseExpired(
            f"the licence {license.id} of {license.customer!r} ended on {license.expires}, its {license.grace_days}"
            f" days of grace are over, and {since}"
        )
    return standing
