"""``offsider-issuer keygen``."""

from __future__ import annotations

import click

from ..keys import create, next_kid
from . import options
from .desk import Desk, passphrase_for, say


@click.command(short_help="Make a signing key.")
@click.option("--kid", help="Its name. [offsider-YEAR-NUMBER]")
@click.option("--encrypt", is_flag=True, help="Seal its file with a passphrase (typed, or ISSUER_PASSPHRASE).")
@options.as_json
@click.pass_obj
def keygen(desk: Desk, kid: str | None, encrypt: bool, as_json: bool) -> None:
    """Make a signing key, and the vendor's folder if there is none.

    Prints the line for offsider_licensing/public_keys.py. A key that is there is never overwritten.
    """
    folder = desk.folder.made()
    name = kid or next_kid(folder, desk.today().year)
    key = create(folder, name, passphrase_for(name) if encrypt else None)
    with desk.ledger(create=True):
        pass  # the ledger is there from the first command on
    facts = {"kid": key.kid, "public": key.public, "file": str(folder.keys / f"{key.kid}.pem")}
    text = f"{facts['file']} is the signing key. Keep a copy where nobody else comes; never commit it.\n"
    say(f'{text}The line for offsider_licensing/public_keys.py:\n\n    "{key.kid}": "{key.public}",', facts, as_json)
