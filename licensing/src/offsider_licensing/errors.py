"""Every refusal of a licence, in one tree. Imports nothing of the package.

::

    LicenseError
    ├── LicenseMissing        there is none in any of the places
    ├── LicenseUnreadable     there is something that cannot be read: a folder, too large, no permission
    ├── LicenseMalformed      it can be read and is no licence: armour, encoding, claims
    ├── LicenseForged         its signature does not hold, or was not made by the vendor
    ├── LicenseRevoked        the vendor has taken it back
    ├── LicenseNotYetValid    it begins in the future
    ├── LicenseExpired        its grace is over, and this version is newer than its end
    └── LicenseForOther       it is good, and not for this edition
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple


class Looked(NamedTuple):
    """One place where a licence may be, and what was found there: never the licence itself."""

    place: str
    found: str


class LicenseError(Exception):
    """A licence that is not there or does not hold.

    Its text says what was wrong, where we looked, and what to do next. It never has the licence in it.

    Attributes:
        problem: What was wrong.
        remedy: What to do next.
        looked: The places, in order, to the one that decided.
    """

    remedy: ClassVar[str] = "Ask the vendor for the licence's file again"

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.looked: tuple[Looked, ...] = ()

    def __str__(self) -> str:
        looked = "; ".join(f"{one.place}: {one.found}" for one in self.looked)
        return f"{self.problem}. {f'Looked at {looked}. ' if looked else ''}{self.remedy}"


class LicenseMissing(LicenseError):
    """There is none."""

    remedy = (
        "Put the licence's file into one of these places. For tests, CI and a first look OFFSIDER_LICENSE=evaluation"
        " is enough; OFFSIDER_EDITIONS=oss runs the free edition"
    )


class LicenseUnreadable(LicenseError):
    """There is something, and it cannot be read."""

    remedy = "Put the licence's file there, readable for this user, or remove what is there"


class LicenseMalformed(LicenseError):
    """It is no licence."""

    remedy = "Copy the licence's file again, whole and unchanged, or ask the vendor for it"


class LicenseForged(LicenseError):
    """Its signature does not hold."""

    remedy = (
        "Copy the licence's file again, whole and unchanged. If it is new, upgrade this edition: older versions may"
        " not know the key that it was signed with"
    )


class LicenseRevoked(LicenseError):
    """The vendor has taken it back."""

    remedy = "Put the licence that replaced it in its place, or ask the vendor"


class LicenseNotYetValid(LicenseError):
    """It begins in the future."""

    remedy = "Set this machine's clock, or wait until the licence begins"


class LicenseExpired(LicenseError):
    """Its grace is over, and this version was built after its end."""

    remedy = (
        "Renew it, or install a version that was built before it ended: that one works for ever."
        " OFFSIDER_EDITIONS=oss runs the free edition"
    )


class LicenseForOther(LicenseError):
    """It does not include this edition."""

    remedy = "Put a licence for it in its place, or choose the editions that you have with OFFSIDER_EDITIONS"
