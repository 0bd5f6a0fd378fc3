"""``offsider quarantine``: what no worker could run, looked at, put back, or deleted."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import listing, table
from .desk import app_options, opened, say_json, sure, yes_option
from .grouped import Listing
from .wording import instant, moment, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..api.quarantine import Quarantine, Quarantined
    from ..api.where import Where
    from ..app import App

Act = Callable[["Quarantine", "Where"], int]


@click.group("quarantine", cls=Listing, short_help="What no worker could run: its bytes, and why.")
def quarantine() -> None:
    """Look at what no worker could run; without a command, list it."""


def conditions(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which entries: what a command is given as ``name``, ``queue``, ``text``."""
    for option in (
        click.option("--text", help="Only those with this text anywhere in them, or in their reason."),
        click.option("--queue", help="Only those that go back to this queue."),
        click.option("--name", help="Only jobs of this name."),
    ):
        command = option(command)
    return command


@quarantine.command("list", short_help="The entries in it.")
@conditions
@listing.count_options
@app_options
def list_entries(
    count: int, every: bool, target: str | None, config: str | None, as_json: bool, **given: str | None
) -> None:
    """List the entries, the newest first; with conditions, in the order in which they are found."""
    from ..api.where import Where

    with opened(target, config) as app:
        found = islice(_found(app.quarantine, Where(**given)), None if every else count)
        if as_json:
            listing.say_list(one.to_dict() for one in found)
        else:
            _show(list(found))


def _found(entries: Quarantine, where: Where) -> Iterator[Quarantined]:
    if not where.is_all:
        yield from entries.matching(where)
        return
    for skip in range(0, len(entries), listing.PAGE):
        yield from entries.entries(count=listing.PAGE, skip=skip)


def _show(entries: list[Quarantined]) -> None:
    if not entries:
        click.echo("nothing is in quarantine")
        return
    rows = [(one.id, one.name or "-", one.queue, moment(one.at_s), one.reason) for one in entries]
    table.show(("id", "name", "queue", "when", "reason"), rows)


@quarantine.command("show", short_help="One entry: its reason, and its bytes.")
@click.argument("entry", metavar="ID")
@click.option("--raw", is_flag=True, help="Only the bytes, as they are: to be repaired in a file.")
@app_options
def show(entry: str, raw: bool, target: str | None, config: str | None, as_json: bool) -> None:
    """Show the entry ID, or that of the job with this id. The exit code is 1 when it is not there."""
    with opened(target, config) as app:
        found = app.quarantine.find(entry)
    if found is None:
        if as_json:
            say_json(None)
        click.echo(f"{entry} is not in quarantine (any more)", err=True)
        sys.exit(1)
    if as_json:
        say_json(found.to_dict(whole=True))
    elif raw:
        click.echo(found.payload, nl=False)
    else:
        _show_one(found)


def _show_one(entry: Quarantined) -> None:
    told = {
        "id": entry.id,
        "reason": entry.reason,
        "queue": entry.queue,
        "since": instant(entry.at_s),
        "jid": entry.jid,
        "name": entry.name,
        "size": f"{len(entry.payload):,} bytes",
    }
    for name, value in told.items():
        if value:
            click.echo(f"{name + ':':<8} {plain(value)}")
    click.echo(plain(entry.text))


# -- acting --------------------------------------------------------------------------------------------------------


def selection(command: Callable[..., Any]) -> Callable[..., Any]:
    """Ids, conditions, or ``--all``; and ``--yes``."""
    every = click.option("--all", "every", is_flag=True, help="All of them.")
    ids = click.argument("ids", metavar="[ID]...", nargs=-1)
    for option in (app_options, yes_option, every, conditions, ids):
        command = option(command)
    return command


@quarantine.command("delete", short_help="Delete entries. Nothing is left of them.")
@selection
def delete(**given: Any) -> None:
    """Delete the entries ID, those that fit, or all. Nothing is left of them."""
    _act("deleted", lambda entries, where: entries.delete_all(where), **given)


@quarantine.command("retry", short_help="Put jobs back into their queues.")
@click.option(
    "--repaired", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Put this file there instead."
)
@selection
def retry(repaired: Path | None, ids: tuple[str, ...], **given: Any) -> None:
    """Put the entries ID, those that fit, or all that are jobs, back into their queues.

    What is no job stays. Repair it: ``show ID --raw > FILE``, edit, ``retry ID --repaired FILE``.
    """
    if repaired is None:
        _act("enqueued", lambda entries, where: entries.retry_all(where), ids=ids, **given)
        return
    if len(ids) != 1:
        raise click.UsageError("--repaired is for one entry: give its ID")
    payload = repaired.read_bytes().strip()
    _act("enqueued", lambda entries, _where: int(entries.retry(ids[0], repaired=payload)), ids=ids, **given)


def _act(
    verb: str,
    act: Act,
    *,
    ids: tuple[str, ...],
    every: bool,
    yes: bool,
    target: str | None,
    config: str | None,
    as_json: bool,
    **given: str | None,
) -> None:
    from ..api.where import Where

    where = Where(**given, jids=ids or None)
    if where.is_all is not every:
        raise click.UsageError("which entries? Give their ids, conditions (--name, --queue, --text), or --all alone")
    with opened(target, config) as app:
        done = _sure_of(app, verb, act, where, yes=yes)
    if as_json:
        say_json({verb: done})
    else:
        click.echo(f"{done:,} {'entry' if done == 1 else 'entries'} {verb}")
    sys.exit(0 if done else 1)


def _sure_of(app: App, verb: str, act: Act, where: Where, *, yes: bool) -> int:
    entries = app.quarantine
    which = "all" if where.is_all else "those that fit of the"
    if where.jids is not None:
        which = f"{len(where.jids)} of the"
    sure(f"have {which} {len(entries):,} entries {verb}", yes=yes)
    return act(entries, where)
