"""The command ``offsider``: collects the commands, ours and those of editions, the same way."""

from __future__ import annotations

import sys

import click

from ..contract.seams import Registry, Slot
from ..editions import load
from ..errors import OffsiderError
from .demo import demo
from .deploy import deploy
from .doctor import doctor
from .fsck import fsck
from .jobs import jobs
from .processes import processes
from .quarantine import quarantine
from .queues import queues
from .sets import dead, retry, scheduled
from .stats import stats
from .top import top
from .web import web
from .why import why
from .worker import ProcessRunner, one_process, worker

LOOKING = (queues, jobs, scheduled, retry, dead, quarantine, processes, stats, top, why, doctor, fsck)


class Cli:
    """What an edition's `install_cli` gets.

    Attributes:
        commands: name → click command.
        process_runner: How ``offsider worker`` runs its process: given the worker's maker, returns the exit code.
    """

    def __init__(self) -> None:
        self.commands: Registry[click.Command] = Registry("commands")
        self.process_runner: Slot[ProcessRunner] = Slot("process_runner", default=one_process, default_by="offsider")
        self.commands.add("worker", worker, by="offsider")
        self.commands.add("demo", demo, by="offsider")
        for command in LOOKING:
            self.commands.add(str(command.name), command, by="offsider")
        self.commands.add("deploy", deploy, by="offsider")
        self.commands.add("web", web, by="offsider")


def build(cli: Cli) -> click.Group:
    """The group of all commands."""
    group = click.Group("offsider", help="Background jobs for Python on Redis.")
    group.params.append(click.Option(["--version"], is_flag=True, callback=_version, expose_value=False, is_eager=True))
    for name, command in cli.commands.items():
        group.add_command(command, name)
    return group


def _version(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        from .. import __version__

        click.echo(f"offsider {__version__}")
        context.exit()


def main() -> None:
    """The entry point. A known error is one message and exit code 2, never a traceback."""
    try:
        cli = Cli()
        for edition in load(None):
            edition.install_cli(cli)
        cli.commands.close()
        cli.process_runner.close()
        build(cli)(prog_name="offsider", obj=cli)
    except OffsiderError as error:
        click.echo(f"{type(error).__name__}: {error}", err=True)
        sys.exit(2)
