"""``offsider processes``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from . import listing, table
from .desk import F, app_options, opened, say_json, sure, yes_option
from .grouped import Listing
from .wording import plain, span

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..api.processes import Processes, ProcessInfo

STATES = {True: "quiet", False: ""}


@click.group("processes", cls=Listing, short_help="The workers: list, quiet, stop, stacks.")
def processes() -> None:
    """Look at the processes that work; without a command, list them."""


@processes.command("list", short_help="Each with what it does.")
@app_options
def list_processes(target: str | None, config: str | None, as_json: bool) -> None:
    """List the processes that live, as their last heartbeats told."""
    with opened(target, config) as app:
        found = app.processes.all()
    if as_json:
        listing.say_list(one.to_dict() for one in found)
    elif found:
        head = ("process", "busy", "queues", "memory", "beat", "state", "tag", "version")
        table.show(head, [row(one) for one in found], right=(1, 3, 4))
    else:
        click.echo("no worker lives: start one with offsider worker MODULE:APP")


def row(one: ProcessInfo) -> tuple[str, ...]:
    """The cells of one process."""
    queues = ",".join(f"{name}:{weight}" if weight else name for name, weight in one.queues.items())
    memory = f"{one.rss_kb / 1000:,.0f} MB" if one.rss_kb else ""
    busy = f"{one.busy}/{one.concurrency}"
    beat = f"{span(one.beat_age_s)} ago"
    return (one.identity, busy, queues, memory, beat, STATES[one.quiet], one.tag, one.version.removeprefix("offsider "))


def whom(command: F) -> F:
    """One process, or ``--all``: what a command is given as ``identity`` and ``every``."""
    every = click.option("--all", "every", is_flag=True, help="All of them.")
    return click.argument("identity", required=False)(every(command))


@processes.command("quiet", short_help="Let processes fetch no more jobs.")
@whom
@app_options
def quiet(identity: str | None, every: bool, target: str | None, config: str | None, as_json: bool) -> None:
    """Let the process IDENTITY, or all, fetch no more. What runs goes on."""
    _tell("quieted", identity, every, target, config, as_json, lambda all_of, one: all_of.quiet(one))


@processes.command("stop", short_help="Let processes stop.")
@whom
@yes_option
@app_options
def stop(identity: str | None, every: bool, yes: bool, target: str | None, config: str | None, as_json: bool) -> None:
    """Let the process IDENTITY, or all, stop. Running jobs get their grace; those that do not end run elsewhere."""
    _check(identity, every)
    sure(f"stop {'all processes' if every else identity}", yes=yes)
    _tell("stopped", identity, every, target, config, as_json, lambda all_of, one: all_of.stop(one))


@processes.command("stacks", short_help="Let processes log the stacks of their threads and tasks.")
@whom
@app_options
def stacks(identity: str | None, every: bool, target: str | None, config: str | None, as_json: bool) -> None:
    """Let the process IDENTITY, or all, write the stacks of their threads and tasks into their own logs."""
    _tell("dumped", identity, every, target, config, as_json, lambda all_of, one: all_of.dump(one))


@processes.command("cleanup", short_help="Forget processes that are gone.")
@app_options
def cleanup(target: str | None, config: str | None, as_json: bool) -> None:
    """Forget those that are listed and gone. Their jobs are given back without it."""
    with opened(target, config) as app:
        gone = app.processes.cleanup()
    if as_json:
        say_json({"forgotten": gone})
    else:
        click.echo(f"{gone} forgotten")


def _tell(
    verb: str,
    identity: str | None,
    every: bool,
    target: str | None,
    config: str | None,
    as_json: bool,
    act: Callable[[Processes, str | None], int],
) -> None:
    """With its next heartbeat a process does as it is told."""
    _check(identity, every)
    with opened(target, config) as app:
        told = act(app.processes, None if identity is None else _meant(app.processes, identity))
    if as_json:
        say_json({"told": told})
    elif told:
        click.echo(f"{told} told: to be {verb} at the next heartbeat, within 10 s")
    else:
        click.echo("nobody lives whom it could be told", err=True)
    sys.exit(0 if told else 1)


def _check(identity: str | None, every: bool) -> None:
    if (identity is None) is not every:
        raise click.UsageError("which process? Give its identity (see offsider processes), or --all; not both")


def _meant(every: Processes, identity: str) -> str:
    """The identity that begins so, when there is one only."""
    names = [one.identity for one in every]
    found = [name for name in names if name == identity] or [name for name in names if name.startswith(identity)]
    if len(found) != 1:
        some = plain(", ".join(found[:5]))
        which = f"{len(found)} processes begin so: {some}" if found else "no live process begins so"
        raise click.UsageError(f"{identity!r}: {which}. offsider processes lists those that live")
    return found[0]
