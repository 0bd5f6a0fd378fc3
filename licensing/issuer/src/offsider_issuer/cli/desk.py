"""What every command is given: the vendor's folder, the ledger in it, the clock, and how results are said."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from ..database import opened
from ..errors import SigningKeyError, TermsError
from ..folder import Folder
from ..keys import SigningKey, load
from ..ledger import Ledger
from ..records import License
from ..shelf import Shelf
from ..terms import after, day_of

PASSPHRASE = "ISSUER_PASSPHRASE"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the vendor works."""

    folder: Folder

    def now_s(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def today(self) -> date:
        """The day, in UTC."""
        return day_of(self.now_s())

    @contextmanager
    def ledger(self, *, create: bool = False) -> Iterator[Ledger]:
        """The ledger, open."""
        with opened(self.folder.ledger, create=create) as connection:
            yield Ledger(connection, self.now_s)

    @contextmanager
    def shelf(self) -> Iterator[Shelf]:
        """The packages, open."""
        with opened(self.folder.ledger) as connection:
            yield Shelf(connection, self.folder, self.now_s)

    def signing_key(self, kid: str | None) -> SigningKey:
        """A signing key of the folder; asks for its passphrase when it has one."""
        return load(self.folder, kid, passphrase_for)

    def last_day(self, until: datetime | None, period: str | None, start: date | None = None) -> date:
        """The last day of a licence, from ``--until`` or ``--for``.

        Raises:
            TermsError: None of the two was given, or both.
        """
        if (until is None) == (period is None):
            raise TermsError("the end is missing or given twice: expected either --until YYYY-MM-DD or --for 1y")
        return until.date() if until is not None else after(start or self.today(), str(period))


def passphrase_for(kid: str) -> bytes:
    """The passphrase of a signing key: from the environment, or typed. Never from the command line, which others see.

    Raises:
        SigningKeyError: There is nobody to ask.
    """
    given = os.environ.get(PASSPHRASE)
    if given:
        return given.encode()
    if not sys.stdin.isatty():
        raise SigningKeyError(f"the signing key {kid} has a passphrase: set {PASSPHRASE}, or run this at a terminal")
    return str(click.prompt(f"Passphrase of the signing key {kid}", hide_input=True, err=True)).encode()


def say(text: str, facts: object, as_json: bool) -> None:
    """A result: for people, or as one line of JSON."""
    click.echo(json.dumps(facts) if as_json else text)


def facts_of(license: License) -> dict[str, Any]:
    """A licence for ``--json``, without its token."""
    return {
        "license": license.license_id,
        "customer": license.customer,
        "edition": license.edition,
        "key_id": license.key_id,
        "issued": str(day_of(license.issued_s)),
        "ends": str(license.ends),
        "grace_days": license.grace_days,
        "threads": license.threads,
        "renews": license.renews,
        "revoked": str(day_of(license.revoked_s)) if license.revoked_s is not None else None,
        "reason": license.reason,
    }


def threads_of(license: License) -> str:
    """How many threads, in words."""
    if license.edition != "enterprise":
        return ""
    return f", {license.threads:,} threads" if license.threads is not None else ", any number of threads"


def default_folder() -> Path:
    """Where the vendor's folder is when nobody says so."""
    return Path.home() / ".local/share/offsider-issuer"
