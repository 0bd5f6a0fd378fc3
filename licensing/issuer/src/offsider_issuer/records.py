"""What the ledger holds, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from .terms import PROJECTS, day_of, start_s


@dataclass(frozen=True, slots=True)
class License:
    """A licence that was issued.

    Attributes:
        license_id: ``lic_…``, the claim jti.
        key_id: The user name at the index. A renewal keeps it.
        customer: The customer's name.
        edition: ``pro`` or ``enterprise``.
        issued_s: When, in seconds since 1970.
        ends_s: Its last second.
        grace_days: Days of grace after it.
        threads: The number bought; None is no limit.
        renews: The licence that it follows.
        token: The signed licence.
        revoked_s: When it was revoked.
        reason: Why.
    """

    license_id: str
    key_id: str
    customer: str
    edition: str
    issued_s: int
    ends_s: int
    grace_days: int
    threads: int | None
    renews: str | None
    token: str
    revoked_s: int | None = None
    reason: str | None = None

    @property
    def ends(self) -> date:
        """Its last day."""
        return day_of(self.ends_s)

    def covers(self, package: Package) -> bool:
        """True when this licence gives a right to a package.

        Built before the end is what counts, whenever it is fetched: the same rule by which a version works for ever.
        """
        bought = package.project in PROJECTS[self.edition]
        return self.revoked_s is None and bought and start_s(package.built) <= self.ends_s


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds an index key, and all licences under it."""

    key_id: str
    key_sha256: str
    customer: str
    licenses: tuple[License, ...]

    @property
    def revoked(self) -> bool:
        """True when nothing that is not revoked is left."""
        return all(one.revoked_s is not None for one in self.licenses)

    def license_for(self, package: Package) -> License | None:
        """The licence that gives a right to a package: the one that ends last."""
        found = [one for one in self.licenses if one.covers(package)]
        return max(found, key=lambda one: one.ends_s, default=None)


@dataclass(frozen=True, slots=True)
class Package:
    """A file of the index.

    Attributes:
        file: The wheel's name.
        project: The project's normalised name.
        version: Its version.
        sha256: Of the file.
        metadata_sha256: Of the METADATA in it.
        bytes: Its size.
        requires_python: Of its metadata; empty when it says nothing.
        built: The day it was built.
        published_s: When it came into the index.
    """

    file: str
    project: str
    version: str
    sha256: str
    metadata_sha256: str
    bytes: int
    requires_python: str
    built: date
    published_s: int
