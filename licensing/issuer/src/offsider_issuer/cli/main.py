"""The group of all commands. A known error is one message and exit code 2, never a traceback."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from .. import __version__
from ..errors import IssuerError
from ..folder import Folder
from .backup import backup
from .desk import Desk, default_folder
from .inspect import inspect, list_licenses
from .issue import issue, new_key
from .keygen import keygen
from .publish import publish
from .renew import export, renew, revoke
from .serve import serve_index


@click.group("offsider-issuer")
@click.version_option(__version__, message="offsider-issuer %(version)s")
@click.option(
    "--folder", envvar="ISSUER_FOLDER", show_envvar=True, type=click.Path(path_type=Path, file_okay=False),
    help="The vendor's folder. [~/.local/share/offsider-issuer]",
)  # fmt: skip
@click.pass_context
def group(context: click.Context, folder: Path | None) -> None:
    """Licences of Offsider's commercial editions, and the index that their packages come from."""
    context.obj = Desk(Folder(folder or default_folder()))


for command in (keygen, issue, renew, revoke, export, new_key, inspect, list_licenses, publish, backup, serve_index):
    group.add_command(command)


def main() -> None:
    """The entry point."""
    try:
        group(prog_name="offsider-issuer")
    except IssuerError as error:
        click.echo(f"{type(error).__name__}: {error}", err=True)
        sys.exit(2)
