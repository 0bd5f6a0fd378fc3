"""``offsider pause``, ``offsider resume``, ``offsider paused``."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

import click

from ..pause import Pause, Pauses
from ..pause_view import told
from .apps import app_options, opened, warn_of_strangers

Where = tuple[str, ...]


@click.command(short_help="Take no jobs from a queue, or run none of a class.")
@click.argument("queues", nargs=-1, metavar="[QUEUE]...")
@click.option("--class", "name", metavar="NAME", help="Run no jobs of this class; needs --app.")
@click.option("--where", multiple=True, metavar="ARGUMENT=VALUE", help="Only those with this argument; repeatable.")
@click.option("--reason", default="", help="Why: for the log, and for whoever asks.")
@click.option("--by", help="Who; your name and machine without it.")
@app_options
def pause(
    queues: tuple[str, ...],
    name: str | None,
    where: Where,
    reason: str,
    by: str | None,
    target: str | None,
    config: str | None,
) -> None:
    """Take no jobs from the queues QUEUE, or run none of a class, until it is resumed. Workers know within 2 s.

    Jobs that run go on to their end, and jobs may be enqueued as before.
    """
    _check_choice(queues, name, where)
    with opened(target, config) as app:
        pauses = Pauses(app)
        warn_of_strangers(queues, pauses.queues() if queues else [])
        made = [pauses.pause(queue, reason=reason, by=by) for queue in queues]
        if name:
            made.append(pauses.pause_class(name, where=_arguments(where), reason=reason, by=by))
        for one in made:
            click.echo(told(one))


@click.command(short_help="Take jobs from a queue again, or run those of a class.")
@click.argument("queues", nargs=-1, metavar="[QUEUE]...")
@click.option("--class", "name", metavar="NAME", help="Run jobs of this class again.")
@click.option("--where", multiple=True, metavar="ARGUMENT=VALUE", help="Only the pause with exactly these; repeatable.")
@app_options
def resume(queues: tuple[str, ...], name: str | None, where: Where, target: str | None, config: str | None) -> None:
    """End a pause. The exit code is 0 when all of it was paused, 1 when not."""
    _check_choice(queues, name, where)
    with opened(target, config) as app:
        pauses = Pauses(app)
        ended = {f"queue {queue!r}": pauses.resume(queue) for queue in queues}
        if name:
            ended[f"jobs {name!r}"] = pauses.resume_class(name, where=_arguments(where) if where else None)
        for what, was in ended.items():
            click.echo(f"{what}: {'resumed' if was else 'not paused'}")
        if not all(ended.values()):
            left = [str(one) for one in pauses.all()]
            click.echo(f"Paused are: {', '.join(left) or 'none'}", err=True)
    sys.exit(0 if all(ended.values()) else 1)


@click.command(short_help="List what is paused.")
@click.option("--json", "as_json", is_flag=True, help="A list of objects, for programs.")
@app_options
def paused(as_json: bool, target: str | None, config: str | None) -> None:
    """List the queues and classes that are paused, since when, by whom and why."""
    with opened(target, config) as app:
        found: list[Pause] = Pauses(app).all()
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False))
        return
    for one in found:
        click.echo(told(one))
    if not found:
        click.echo("nothing is paused")


def _check_choice(queues: tuple[str, ...], name: str | None, where: Where) -> None:
    if bool(queues) == bool(name):
        raise click.UsageError("give names of queues, or --class NAME")
    if where and not name:
        raise click.UsageError("--where is for --class")


def _arguments(where: Where) -> dict[str, Any]:
    """Values are JSON, or text where they are not."""
    found: dict[str, Any] = {}
    for one in where:
        argument, equals, value = one.partition("=")
        if not equals or not argument:
            raise click.BadParameter(f"{one!r}: expected ARGUMENT=VALUE, e.g. --where locale=de", param_hint="--where")
        try:
            found[argument] = json.loads(value)
        except ValueError:
            found[argument] = value
    return found
