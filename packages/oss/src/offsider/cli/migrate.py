"""``offsider migrate celery``: what waits in Celery's queues becomes jobs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from . import table
from .desk import app_options, opened, say_json, sure, yes_option
from .wording import plain

if TYPE_CHECKING:
    from ..integrations.celery import Drained


@click.group("migrate", short_help="Bring over what waits in another system.")
def migrate() -> None:
    """Bring over what waits in another system."""


@migrate.command("celery", short_help="Celery's queues on Redis.")
@click.option("--broker", metavar="URL", required=True, help="Celery's broker_url: a Redis.")
@click.option("-q", "--queue", "queues", multiple=True, default=("celery",), show_default=True, help="Celery's queue.")
@click.option("--rename", "renames", multiple=True, metavar="TASK=JOB", help="The job that a task is; repeatable.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@yes_option
@app_options
def celery(
    broker: str,
    queues: tuple[str, ...],
    renames: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    target: str | None,
    config: str | None,
    as_json: bool,
) -> None:
    """Move the tasks that wait in Celery's queues into those of the app, which --app names.

    Stop Celery's workers before. What cannot become a job is kept, and told with its reason. The exit code is 0 when
    all was moved, 1 when something is left.
    """
    from ..integrations.celery import Drain

    if target is None:
        raise click.UsageError("whose jobs do they become? Name the app: --app MODULE:APP")
    names = dict(_pair(one) for one in renames)
    if not dry_run:
        sure(f"move the tasks of {', '.join(queues)} into queues of {target}", yes=yes)
    with opened(target, config) as app:
        drain = Drain(app, broker, names=names)
        try:
            done = {queue: drain.look(queue) if dry_run else drain.move(queue) for queue in queues}
        finally:
            drain.close()
    if as_json:
        say_json({queue: one.to_dict() for queue, one in done.items()})
    else:
        for queue, one in done.items():
            _show(queue, one, dry_run)
    sys.exit(1 if any(one.left for one in done.values()) else 0)


@migrate.command("celery-code", short_help="What of a program's use of Celery to write otherwise.")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(exists=True))
@click.option("--json", "as_json", is_flag=True, help="All of it, as JSON.")
def celery_code(paths: tuple[str, ...], as_json: bool) -> None:
    """Look through the Python files PATH, or below it, for what Tasks does not take over. Nothing is imported or run.

    The exit code is 0 when there is none, 1 when there is.
    """
    from ..integrations.celery import survey

    found = survey(paths or (".",))
    if as_json:
        say_json([one.to_dict() for one in found])
    else:
        for one in found:
            click.echo(plain(str(one)))
        click.echo(f"{len(found):,} to be written otherwise")
    sys.exit(1 if found else 0)


def _pair(given: str) -> tuple[str, str]:
    task, equals, job = given.partition("=")
    if not (task and equals and job):
        raise click.UsageError(f"--rename {given!r}: expected TASK=JOB")
    return task, job


def _show(queue: str, done: Drained, dry_run: bool) -> None:
    verb = "to be moved" if dry_run else "moved"
    rows = [(task, f"{count:,}", verb) for task, count in done.moved.most_common()]
    rows += [(task, f"{count:,}", f"left: {plain(reason)}") for (task, reason), count in done.left.most_common()]
    click.echo(f"queue {plain(queue)}: {sum(done.moved.values()):,} {verb}, {sum(done.left.values()):,} left")
    if rows:
        table.show(("task", "count", ""), rows, right=[1])
    if done.unacked:
        click.echo(f"{done.unacked:,} more are in the hands of Celery's workers: stop them, and do this again")
