"""``offsider fsck``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from .desk import app_options, opened, say_json
from .wording import plain

if TYPE_CHECKING:
    from ..api.fsck import Checkup


@click.command(short_help="Check what must hold in Redis: jobs, leases, keys.")
@click.option("--fix", is_flag=True, help="Put right what can be put right without losing a job.")
@app_options
def fsck(fix: bool, target: str | None, config: str | None, as_json: bool) -> None:
    """Check that every job is in one place only, every job in flight has a lease, and every key is as it should be.

    Workers may go on meanwhile. The exit code is 0 when all holds (also when --fix has put it right), 1 when something
    does not, 2 when it could not be checked.
    """
    from ..api.fsck import fsck as check

    with opened(target, config) as app:
        checkup = check(app, mend=fix)
    if as_json:
        say_json(checkup.to_dict())
    else:
        _show(checkup, fix)
    sys.exit(0 if checkup.clean else 1)


def _show(checkup: Checkup, fix: bool) -> None:
    for one in checkup.found:
        mark = "note  " if one.breach.note else "mended" if one.mended else "BROKEN"
        click.echo(f"{mark}  {plain(one.breach.says)}")
        if one.breach.advice and not one.mended:
            click.echo(f"        {plain(one.breach.advice)}")
    more = checkup.breaches + checkup.notes - len(checkup.found)
    if more:
        click.echo(f"… and {more:,} more")
    click.echo(_summary(checkup, fix))


def _summary(checkup: Checkup, fix: bool) -> str:
    looked = f"{checkup.jobs:,} jobs and {checkup.keys:,} keys were looked at"
    unread = f"; {checkup.unread:,} entries are no jobs, a worker puts them into quarantine" if checkup.unread else ""
    left = checkup.breaches - checkup.mended
    if not checkup.breaches:
        return f"{looked}: all holds{unread}"
    mended = f"{checkup.mended:,} put right, " if fix else ""
    mendable = sum(one.breach.mend is not None for one in checkup.found if not one.mended)
    hint = f" (--fix puts {mendable:,} of them right)" if mendable and not fix else ""
    return f"{looked}: {mended}{left:,} broken{hint}{unread}"
