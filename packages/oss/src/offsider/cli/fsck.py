"""``offsider fsck``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from .desk import app_options, opened, places, say_json
from .wording import plain

if TYPE_CHECKING:
    from ..api.fsck import Checkup


@click.command(short_help="Check what must hold in Redis: jobs, leases, keys.")
@click.option("--fix", is_flag=True, help="Put right what can be put right without losing a job.")
@app_options
def fsck(fix: bool, target: str | None, config: str | None, as_json: bool) -> None:
    """Check that every job is in one place only, every job in flight has a lease, and every key is as it should be.
    In all shards, too.

    Workers may go on meanwhile. The exit code is 0 when all holds (also when --fix has put it right), 1 when something
    does not, 2 when it could not be checked.
    """
    from ..api.fsck import fsck as check

    with opened(target, config) as app:
        own, *others = [(name, check(place, mend=fix)) for name, place in _reached(places(app))]
    if as_json:
        told = own[1].to_dict()
        if others:
            told["shards"] = {name: checkup.to_dict() for name, checkup in others}
        say_json(told)
    else:
        for name, checkup in (own, *others):
            _show(checkup, fix, name if others else None)
    sys.exit(0 if all(checkup.clean for _name, checkup in (own, *others)) else 1)


def _reached(asked: list[tuple[str | None, Any]]) -> list[tuple[str | None, Any]]:
    """The same, once all of them have answered: what cannot be checked as a whole is not checked in part."""
    for _name, place in asked:
        with place.desk.wire() as wire:
            wire.command("PING")
    return asked


def _show(checkup: Checkup, fix: bool, shard: str | None) -> None:
    if shard is not None:
        click.echo(f"\nshard {shard!r}")
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
