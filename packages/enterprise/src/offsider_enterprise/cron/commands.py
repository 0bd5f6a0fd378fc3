"""``offsider cron``: the crontab, listed, tried out and changed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from itertools import islice
from typing import Any, TypeVar

import click

from offsider import clock
from offsider.cli import table
from offsider.cli.desk import app_options, opened, say_json, sure, yes_option
from offsider.cli.grouped import Listing
from offsider.cli.wording import instant, moment

from .crontab import Crontab
from .declared import declared
from .missed import POLICIES
from .schedule import Schedule
from .state import CronEntry
from .telling import stands, told
from .wall import WallClock

F = TypeVar("F", bound=Callable[..., Any])


@click.group(cls=Listing, short_help="The crontab: list, test, add, edit, pause, run, delete.")
def cron() -> None:
    """The crontab: what is enqueued by itself, and when."""


def entry_options(command: F) -> F:
    """What of an entry may be given: ``--zone``, ``--args`` and so on."""
    for option in (
        click.option("--by", help="Who; your name and machine without it."),
        click.option("--window", "window_s", type=float, metavar="SECONDS", help="How far back missed runs go."),
        click.option("--missed", type=click.Choice(POLICIES), help="What happens to runs that were missed."),
        click.option("--options", metavar="JSON", help='Options of the job, an object: \'{"queue": "low"}\'.'),
        click.option("--kwargs", metavar="JSON", help="Its keyword arguments, an object."),
        click.option("--args", metavar="JSON", help="Its arguments, a list."),
        click.option("--zone", help="Whose wall clock the fields are on, e.g. Europe/Berlin."),
    ):
        command = option(command)
    return command


@cron.command("list", short_help="List the entries.")
@click.option("-n", "--count", type=click.IntRange(1), default=100, show_default=True, help="How many at most.")
@app_options
def list_entries(count: int, target: str | None, config: str | None, as_json: bool) -> None:
    """List the entries by name: when each is due, and what became of its last run."""
    with opened(target, config) as app:
        crontab = Crontab(app)
        found, total = list(islice(crontab, count)), len(crontab)
    if as_json:
        say_json([one.to_dict() for one in found])
        return
    if not found:
        click.echo("the crontab has no entry")
        return
    head = ["name", "job", "cron", "zone", "next", "last", "stands"]
    table.show(head, [_row(one) for one in found])
    if total > len(found):
        click.echo(f"and {total - len(found):,} more: say --count {total}")


@cron.command("show", short_help="Show one entry, its next and its last runs.")
@click.argument("name")
@app_options
def show(name: str, target: str | None, config: str | None, as_json: bool) -> None:
    """Show one entry: all of it, its next five runs, and its last ones."""
    with opened(target, config) as app:
        crontab = Crontab(app)
        entry = _found(crontab, name)
        history = crontab.history(name)
    if as_json:
        say_json({**entry.to_dict(), "history": [run.to_dict() for run in history]})
        return
    for line in told(entry, history):
        click.echo(line)


@cron.command("test", short_help="Say when five fields come, or check what an app declares.")
@click.argument("fields", required=False, metavar="[CRON]")
@click.option("--zone", default="UTC", show_default=True, help="Whose wall clock they are on.")
@click.option("--name", default="test", show_default=True, help="The entry's name: what H comes of.")
@click.option("-n", "--count", type=click.IntRange(1, 1000), default=5, show_default=True, help="How many runs.")
@app_options
def test(
    fields: str | None,
    zone: str,
    name: str,
    count: int,
    target: str | None,
    config: str | None,
    as_json: bool,
) -> None:
    """Say when CRON, five fields in quotes, comes next; without them check every entry that --app declares.

    Nothing is written, and no Redis is asked. The exit code is 2 when something is wrong.
    """
    if fields is not None:
        found = {name: Schedule(fields, zone, name)}
    else:
        with opened(target, config) as app:
            found = {entry.name: entry.schedule for entry in declared(app).values()}
    coming = {one: list(islice(schedule.coming(clock.now_s()), count)) for one, schedule in found.items()}
    if as_json:
        say_json({one: [instant(at_s) for at_s in instants] for one, instants in coming.items()})
        return
    for one, instants in coming.items():
        click.echo(f"{one}: {found[one]}")
        for at_s in instants:
            click.echo(f"  {instant(at_s)}  {_on_wall(found[one].clock, at_s)}")
    if not coming:
        click.echo("no entry is declared")


@cron.command("add", short_help="Add an entry.")
@click.argument("name")
@click.argument("job")
@click.argument("fields", metavar="CRON")
@entry_options
@app_options
def add(name: str, job: str, fields: str, target: str | None, config: str | None, as_json: bool, **given: Any) -> None:
    """Add the entry NAME: the job JOB at the times of CRON, five fields in quotes. Needs --app."""
    with opened(target, config) as app:
        _say(Crontab(app).add(name, job, fields, **_read(given)), as_json)


@cron.command("edit", short_help="Change an entry that was added at run time.")
@click.argument("name")
@click.option("--job", help="Another job.")
@click.option("--cron", help="Other five fields.")
@entry_options
@app_options
def edit(name: str, target: str | None, config: str | None, as_json: bool, **given: Any) -> None:
    """Change the entry NAME: what is not given stays. Needs --app."""
    with opened(target, config) as app:
        crontab = Crontab(app)
        _found(crontab, name)
        _say(crontab.edit(name, **_read(given)), as_json)


@cron.command("pause", short_help="Enqueue nothing for entries.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--reason", default="", help="Why: for whoever asks.")
@click.option("--by", help="Who; your name and machine without it.")
@app_options
def pause(
    names: tuple[str, ...], reason: str, by: str | None, target: str | None, config: str | None, as_json: bool
) -> None:
    """Enqueue nothing for the entries NAME, until they are resumed."""
    _each(names, target, config, as_json, lambda crontab, name: crontab.pause(name, reason=reason, by=by), "paused")


@cron.command("resume", short_help="Let entries go on.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@app_options
def resume(names: tuple[str, ...], target: str | None, config: str | None, as_json: bool) -> None:
    """Let the entries NAME go on from their next instants."""
    _each(names, target, config, as_json, lambda crontab, name: crontab.resume(name), "resumed")


@cron.command("run", short_help="Enqueue a run of entries now.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--by", help="Who; your name and machine without it.")
@app_options
def run(names: tuple[str, ...], by: str | None, target: str | None, config: str | None, as_json: bool) -> None:
    """Enqueue a run of the entries NAME now, paused or not; print the ids of the jobs. Needs --app."""
    _each(names, target, config, as_json, lambda crontab, name: crontab.run(name, by=by), "")


@cron.command("delete", short_help="Forget entries.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@yes_option
@app_options
def delete(names: tuple[str, ...], yes: bool, target: str | None, config: str | None, as_json: bool) -> None:
    """Forget the entries NAME, with their histories. What a running process declares is refused."""
    sure(f"delete {len(names)} cron entries", yes=yes)
    _each(names, target, config, as_json, lambda crontab, name: crontab.delete(name), "deleted")


# -- steps ---------------------------------------------------------------------------------------------------


def _each(
    names: tuple[str, ...],
    target: str | None,
    config: str | None,
    as_json: bool,
    act: Callable[[Crontab, str], bool | str | None],
    done: str,
) -> None:
    """Do something to each; the exit code is 1 when one of them was so already, or nothing came of it."""
    said: dict[str, bool | str | None] = {}
    with opened(target, config) as app:
        crontab = Crontab(app)
        for name in names:
            _found(crontab, name)
        for name in names:
            said[name] = act(crontab, name)
    if as_json:
        say_json(said)
    else:
        for name, result in said.items():
            click.echo(f"{name}: {result if isinstance(result, str) else done if result else 'nothing to do'}")
    sys.exit(0 if all(said.values()) else 1)


def _found(crontab: Crontab, name: str) -> CronEntry:
    found = crontab.get(name)
    if found is None:
        from .crontab import missing

        raise click.ClickException(missing(name, [one.name for one in crontab.entries()]))
    return found


def _read(given: dict[str, Any]) -> dict[str, Any]:
    """What was given, with JSON read."""
    found = {key: value for key, value in given.items() if value is not None}
    for key, kind in (("args", list), ("kwargs", dict), ("options", dict)):
        if key in found:
            found[key] = _json(key, found[key], kind)
    if "window_s" in found:
        found["window"] = found.pop("window_s")
    return found


def _json(key: str, text: str, kind: type) -> Any:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r:.80} is no JSON: {error}", param_hint=f"--{key}") from None
    if not isinstance(value, kind):
        what = "a list, e.g. '[7, \"de\"]'" if kind is list else 'an object, e.g. \'{"locale": "de"}\''
        raise click.BadParameter(f"{text!r:.80} is not {what}", param_hint=f"--{key}")
    return value


def _say(entry: CronEntry, as_json: bool) -> None:
    if as_json:
        say_json(entry.to_dict())
        return
    for line in told(entry, []):
        click.echo(line)


def _row(one: CronEntry) -> list[str]:
    last = "" if one.last is None else f"{one.last.what} {moment(one.last.done_s)}"
    return [one.name, one.entry.job, one.entry.cron, one.entry.zone, moment(one.next_s), last, stands(one)]


def _on_wall(clock_there: WallClock, at_s: int) -> str:
    return "" if clock_there.zone == "UTC" else f"{clock_there.reading(at_s):%a %Y-%m-%d %H:%M} {clock_there.zone}"
