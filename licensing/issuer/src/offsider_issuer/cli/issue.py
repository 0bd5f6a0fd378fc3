"""``offsider-issuer issue`` and ``new-key``: what a customer is given."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from ..claims import armour, unverified
from ..errors import TermsError
from ..folder import write_new
from ..records import License
from ..terms import Terms
from . import options
from .desk import Desk, facts_of, say, threads_of


@click.command(short_help="Issue a licence to a new customer.")
@click.option("--customer", required=True, help="The customer's name, as it is shown.")
@click.option("--edition", required=True, type=options.edition)
@click.option("--threads", type=options.threads, metavar="N|unlimited", help="Enterprise: how many threads.")
@options.period
@options.grace_days(30)
@options.kid
@options.out
@options.key_file
@options.as_json
@click.pass_obj
def issue(
    desk: Desk,
    customer: str,
    edition: str,
    threads: Any,
    until: datetime | None,
    period: str | None,
    grace_days: int,
    kid: str | None,
    out: Path | None,
    key_file: Path | None,
    as_json: bool,
) -> None:
    """Issue a licence: a licence file, and a key for the index, which is shown once and kept nowhere."""
    terms = Terms(edition, desk.last_day(until, period), count_of(threads, edition), grace_days).checked()
    refuse_existing(out, key_file)
    with desk.ledger() as ledger:
        issued = ledger.issue(customer, terms, desk.signing_key(kid))
    path = write_license(issued.license, out)
    hand_over(described(issued.license, path), facts_of(issued.license), path, issued.index_key, key_file, as_json)


@click.command("new-key", short_help="A new index key for a customer who has lost theirs.")
@click.argument("key_id")
@options.key_file
@options.as_json
@click.pass_obj
def new_key(desk: Desk, key_id: str, key_file: Path | None, as_json: bool) -> None:
    """A new index key under the same user name. The old one ends at once; licence files stay as they are."""
    refuse_existing(key_file)
    with desk.ledger() as ledger:
        key = ledger.new_key(key_id)
    hand_over(f"A new key for {key_id}; the old one has ended.", {"key_id": key_id}, None, key, key_file, as_json)


def count_of(threads: Any, edition: str) -> int | None:
    """The number of threads; None for no limit.

    Raises:
        TermsError: Enterprise without a number, which would be a present.
    """
    if threads is None and edition == "enterprise":
        raise TermsError("enterprise is sold by threads: expected --threads N, or --threads unlimited")
    return None if threads in (None, options.UNLIMITED) else int(threads)


def refuse_existing(*paths: Path | None) -> None:
    """Look before the ledger is written whether the files can be.

    Raises:
        TermsError: One is there already, or its folder is not.
    """
    for path in paths:
        if path is not None and (path.exists() or not path.parent.is_dir()):
            raise TermsError(f"{path} is there already, or its folder is not: expected a new file")


def write_license(license: License, out: Path | None) -> Path:
    """Write the licence file; where it is."""
    path = out or Path(f"{license.license_id}.license")
    write_new(path, armour(license.token, unverified(license.token)))
    return path


def described(license: License, path: Path) -> str:
    """A licence in words."""
    what = f"{license.edition}{threads_of(license)}, until {license.ends}"
    return f"{license.license_id} for {license.customer}: {what}\nlicence file  {path}"


def hand_over(
    text: str, facts: dict[str, Any], path: Path | None, key: str, key_file: Path | None, as_json: bool
) -> None:
    """Say what was made; the index key to the screen or into its file, not both."""
    facts = {**facts, **({"file": str(path)} if path else {})}
    if key_file is None:
        say(f"{text}\nindex key     {facts['key_id']}:{key}   (shown once)", {**facts, "key": key}, as_json)
        return
    write_new(key_file, f"{facts['key_id']}:{key}\n")
    say(f"{text}\nindex key     of {facts['key_id']}, in {key_file}", {**facts, "key_file": str(key_file)}, as_json)
