"""The command ``offsider``: collects the commands, ours and those of editions, the same way."""

from __future__ import annotations

import sys

import click

from ..contract.seams import Registry, Slot
from ..contract.setting_option import SettingOption
from ..editions import load
from ..errors import OffsiderError
from .lazy import Lazy, LazyGroup
from .options import OURS, with_options
from .worker import ProcessRunner, one_process, worker

LATER = (
    Lazy("demo", "demo", "A real run on real input, with a server of its own."),
    Lazy("queues", "queues", "The queues: how long, how late; show or clear one."),
    Lazy("jobs", "jobs", "Jobs that run; one job by its id: show, cancel, delete, retry …"),
    Lazy("scheduled", "sets", "Jobs that wait for their time."),
    Lazy("retry", "sets", "Jobs that have failed and are tried again."),
    Lazy("dead", "sets", "Jobs that have no retries left."),
    Lazy("quarantine", "quarantine", "What no worker could run: its bytes, and why."),
    Lazy("processes", "processes", "The workers: list, quiet, stop, stacks."),
    Lazy("stats", "stats", "Figures of everything, and of each day."),
    Lazy("top", "top", "Watch it: rates, queues, processes, what runs."),
    Lazy("why", "why", "Where a job is, and why it does not run."),
    Lazy("doctor", "doctor", "Is this server one that keeps jobs? Settings, keys and workers, too."),
    Lazy("fsck", "fsck", "Check what must hold in Redis: jobs, leases, keys."),
    Lazy("migrate", "migrate", "Bring over what waits in another system."),
    Lazy("deploy", "deploy", "Tells of deploys."),
    Lazy("web", "web", "Serve the web pages."),
)


class Cli:
    """What an edition's `install_cli` gets.

    Attributes:
        commands: name → click command.
        worker_options: name → `SettingOption`: options of ``offsider worker`` that stand for settings.
        process_runner: How ``offsider worker`` runs its process: given the worker's maker, returns the exit code.
    """

    def __init__(self) -> None:
        self.commands: Registry[click.Command] = Registry("commands")
        self.worker_options: Registry[SettingOption] = Registry("worker_options")
        self.process_runner: Slot[ProcessRunner] = Slot("process_runner", default=one_process, default_by="offsider")
        self.commands.add("worker", worker, by="offsider")
        for command in LATER:
            self.commands.add(str(command.name), command, by="offsider")
        for name, option in OURS.items():
            self.worker_options.add(name, option, by="offsider")

    def close(self) -> None:
        """All editions were asked: nothing comes in any more."""
        for seam in (self.commands, self.worker_options, self.process_runner):
            seam.close()


def build(cli: Cli) -> click.Group:
    """The group of all commands."""
    group = LazyGroup("offsider", help="Background jobs for Python on Redis.")
    group.params.append(click.Option(["--version"], is_flag=True, callback=_version, expose_value=False, is_eager=True))
    options = [option for _name, option in cli.worker_options.items()]
    for name, command in cli.commands.items():
        group.add_command(with_options(command, options) if command is worker else command, name)
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
        cli.close()
        build(cli)(prog_name="offsider", obj=cli)
    except OffsiderError as error:
        click.echo(f"{type(error).__name__}: {error}", err=True)
        sys.exit(2)
