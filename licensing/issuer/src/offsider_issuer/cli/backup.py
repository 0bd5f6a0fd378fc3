"""``offsider-issuer backup``."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import click

from ..database import opened
from ..folder import new_file
from .desk import Desk


@click.command(short_help="Copy the ledger while it is in use.")
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def backup(desk: Desk, out: Path) -> None:
    """Write a whole copy of the ledger to OUT, a new file, whoever is using the ledger.

    It is what a backup keeps, and what the machine of the index is given.
    """
    with opened(desk.folder.ledger, read_only=True) as ledger, new_file(out):
        copy = sqlite3.connect(out)
        try:
            ledger.backup(copy)
        finally:
            copy.close()
    click.echo(f"{out} is a copy of {desk.folder.ledger}")
