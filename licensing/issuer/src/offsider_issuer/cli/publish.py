"""``offsider-issuer publish``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from . import options
from .desk import Desk, say


@click.command(short_help="Put wheels into the index.")
@click.argument("wheels", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@options.as_json
@click.pass_obj
def publish(desk: Desk, wheels: tuple[Path, ...], as_json: bool) -> None:
    """Put wheels into the index. What is published is never changed: the same name with another content is refused.

    The day a wheel was built is the one stamped into it; without a stamp it is today.
    """
    desk.folder.made()
    with desk.shelf() as shelf:
        taken = [shelf.publish(path) for path in wheels]
    facts = [{**asdict(one), "built": str(one.built)} for one in taken]
    say("\n".join(f"{one.file}  built {one.built}  sha256 {one.sha256}" for one in taken), facts, as_json)
