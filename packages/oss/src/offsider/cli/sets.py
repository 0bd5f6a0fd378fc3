"""``offsider scheduled``, ``offsider retry`` and ``offsider dead``: three sets of jobs, one way to treat them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from . import listing
from .desk import app_options, opened, say_json, sure, yes_option
from .grouped import Listing
from .wording import When

if TYPE_CHECKING:
    from ..api.sets import SetOfJobs
    from ..api.where import Where
    from ..app import App

Find = Callable[["App"], Any]
Act = Callable[[Any, "Where"], int]


class SetCommands:
    """The commands of one set.

    Args:
        group: They are added to it.
        find: The set of an app.
        columns: What its list shows.
        nothing: What to say of an empty one.
    """

    def __init__(self, group: click.Group, find: Find, columns: tuple[str, ...], nothing: str) -> None:
        self._group = group
        self._find = find
        self._columns = columns
        self._nothing = nothing
        self._add_list()

    def act(self, name: str, verb: str, help: str, act: Act) -> None:
        """Add a command that does something to jobs: to those named by their ids, to those that fit, or to all."""

        @self._group.command(name, help=help, short_help=help.partition(".")[0] + ".")
        @selection
        def command(jids: tuple[str, ...], every: bool, yes: bool, **given: Any) -> None:
            self._do(verb, act, jids, every, yes, given)

    def reschedule(self) -> None:
        """Add the command that gives jobs another time."""

        @self._group.command("reschedule", short_help="Give jobs another time.")
        @click.option("--at", "at", type=When(), required=True, help="10m, 2h, 1d from now, or an ISO 8601 time.")
        @selection
        def command(jids: tuple[str, ...], every: bool, yes: bool, at: datetime, **given: Any) -> None:
            """Give the jobs JID, those that fit, or all, another time."""
            self._do("rescheduled", lambda jobs, where: jobs.reschedule_all(at, where), jids, every, yes, given)

    def _add_list(self) -> None:
        @self._group.command("list", short_help="The jobs in it.")
        @listing.where_options
        @listing.count_options
        @app_options
        def command(
            count: int, every: bool, target: str | None, config: str | None, as_json: bool, **conditions: Any
        ) -> None:
            """List the jobs, by their time; with conditions, in the order in which they are found."""
            from ..api.where import Where

            with opened(target, config) as app:
                jobs = listing.of_set(self._find(app), Where(**conditions), None if every else count)
                listing.show(jobs, as_json=as_json, columns=self._columns, nothing=self._nothing)

    def _do(self, verb: str, act: Act, jids: tuple[str, ...], every: bool, yes: bool, given: dict[str, Any]) -> None:
        from ..api.where import Where

        target, config, as_json = (given.pop(name) for name in ("target", "config", "as_json"))
        where = Where(**given, jids=jids or None)
        _check(where, every)
        with opened(target, config) as app:
            jobs: SetOfJobs = self._find(app)
            if not yes:
                what = f"{len(jids)} of the {len(jobs):,} jobs" if jids else _which(where, len(jobs))
                sure(f"have {what} {verb}", yes=yes)
            done = act(jobs, where)
        if as_json:
            say_json({verb: done})
        else:
            click.echo(f"{done:,} job{'' if done == 1 else 's'} {verb}")
        sys.exit(0 if done else 1)


def selection(command: Callable[..., Any]) -> Callable[..., Any]:
    """Ids, conditions, or ``--all``; and ``--yes``."""
    for option in (
        app_options,
        yes_option,
        click.option("--all", "every", is_flag=True, help="All of them."),
        listing.where_options,
        click.argument("jids", metavar="[JID]...", nargs=-1),
    ):
        command = option(command)
    return command


def _check(where: Where, every: bool) -> None:
    if where.is_all and not every:
        raise click.UsageError(
            "which jobs? Give their ids, conditions (--name, --queue, --error, --tag, --text), or --all"
        )
    if every and not where.is_all:
        raise click.UsageError("--all means every job: leave it out with ids or conditions, which choose among all")


def _which(where: Where, length: int) -> str:
    return f"all {length:,} jobs" if where.is_all else f"those of the {length:,} jobs that fit"


# -- the three ---------------------------------------------------------------------------------------------------


@click.group("scheduled", cls=Listing, short_help="Jobs that wait for their time.")
def scheduled() -> None:
    """Look at the jobs that wait for their time; without a command, list them."""


@click.group("retry", cls=Listing, short_help="Jobs that have failed and are tried again.")
def retry() -> None:
    """Look at the jobs that have failed and are tried again; without a command, list them."""


@click.group("dead", cls=Listing, short_help="Jobs that have no retries left.")
def dead() -> None:
    """Look at the jobs that have failed for the last time; without a command, list them."""


_FAILED = ("jid", "name", "queue", "when", "failed", "error")
_SCHEDULED = SetCommands(
    scheduled, lambda app: app.scheduled, ("jid", "name", "queue", "when", "arguments"), "nothing is scheduled"
)
_RETRY = SetCommands(retry, lambda app: app.retries, _FAILED, "nothing is to be tried again")
_DEAD = SetCommands(dead, lambda app: app.dead, _FAILED, "nothing is dead")

for _one in (_SCHEDULED, _RETRY, _DEAD):
    _one.act("delete", "deleted", "Delete jobs. Nothing is left of them.", lambda jobs, where: jobs.delete_all(where))
for _one in (_SCHEDULED, _RETRY):
    _one.act("kill", "killed", "Put jobs among the dead.", lambda jobs, where: jobs.kill_all(where))
    _one.reschedule()
_SCHEDULED.act("run", "enqueued", "Put jobs into their queues now.", lambda jobs, where: jobs.run_all_now(where))
for _one in (_RETRY, _DEAD):
    _one.act(
        "run",
        "enqueued",
        "Put jobs into their queues now. The attempt uses none of their retries.",
        lambda jobs, where: jobs.run_all_now(where),
    )
