"""``offsider-issuer renew``, ``export`` and ``revoke``: the life of a licence after its first day."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from ..terms import Terms
from . import options
from .desk import Desk, facts_of, say
from .issue import count_of, described, refuse_existing, write_license


@click.command(short_help="Issue the licence that follows another one.")
@click.argument("license_id", metavar="LICENCE")
@options.period
@click.option("--edition", type=options.edition, help="Another edition from now on.")
@click.option("--threads", type=options.threads, metavar="N|unlimited", help="Another number of threads.")
@options.grace_days(None)
@options.kid
@options.out
@options.as_json
@click.pass_obj
def renew(
    desk: Desk,
    license_id: str,
    until: datetime | None,
    period: str | None,
    edition: str | None,
    threads: Any,
    grace_days: int | None,
    kid: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Issue the licence that follows LICENCE: valid from today, under the same index key.

    --for counts from the old end, or from today when that is over. What is not given stays as it was.
    """
    with desk.ledger() as ledger:
        old = ledger.find(license_id)
        new_edition = edition or old.edition
        same = threads is None and new_edition == old.edition
        terms = Terms(
            new_edition,
            desk.last_day(until, period, max(old.ends, desk.today())),
            old.threads if same else count_of(threads, new_edition),
            old.grace_days if grace_days is None else grace_days,
        ).checked()
        refuse_existing(out)
        made = ledger.renew(license_id, terms, desk.signing_key(kid))
    path = write_license(made, out)
    say(
        f"{described(made, path)}\nindex key     {made.key_id}, unchanged",
        {**facts_of(made), "file": str(path)},
        as_json,
    )


@click.command(short_help="Write a licence's file once more.")
@click.argument("license_id", metavar="LICENCE")
@options.out
@options.as_json
@click.pass_obj
def export(desk: Desk, license_id: str, out: Path | None, as_json: bool) -> None:
    """Write the file of a licence once more, for a customer who has lost it."""
    with desk.ledger() as ledger:
        found = ledger.find(license_id)
    path = write_license(found, out)
    say(described(found, path), {**facts_of(found), "file": str(path)}, as_json)


@click.command(short_help="Revoke a licence.")
@click.argument("license_id", metavar="LICENCE")
@click.option("--reason", required=True, help="For the ledger; the customer does not see it.")
@options.as_json
@click.pass_obj
def revoke(desk: Desk, license_id: str, reason: str, as_json: bool) -> None:
    """Revoke a licence: the index refuses it at once.

    Prints the line for offsider_licensing/revoked.py; versions built with it refuse the licence, too. Licences are
    checked offline, so that versions the customer has already go on.
    """
    with desk.ledger() as ledger:
        revoked = ledger.revoke(license_id, reason)
    text = f"{license_id} of {revoked.customer} is revoked. The line for offsider_licensing/revoked.py:\n\n"
    say(f'{text}    "{license_id}",', facts_of(revoked), as_json)
