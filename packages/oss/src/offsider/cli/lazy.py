"""Commands that are imported when they are called: ``offsider --help`` and each command start without the others."""

from __future__ import annotations

from importlib import import_module
from typing import cast

import click


class Lazy(click.Command):
    """Stands for a command in lists, until it is called.

    Args:
        name: The command's.
        module: Where it is, below ``offsider.cli``; it is called there as here.
        short_help: The command's own.
    """

    def __init__(self, name: str, module: str, short_help: str) -> None:
        super().__init__(name, short_help=short_help)
        self._module = module

    @property
    def real(self) -> click.Command:
        """The command itself."""
        return cast("click.Command", getattr(import_module(f"offsider.cli.{self._module}"), str(self.name)))


class LazyGroup(click.Group):
    """A group that may have such commands."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself, also of one that is lazy."""
        command = super().get_command(ctx, cmd_name)
        return command.real if isinstance(command, Lazy) else command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List them without importing any."""
        shown = {name: command for name, command in sorted(self.commands.items()) if not command.hidden}
        most = formatter.width - 6 - max(map(len, shown), default=0)
        rows = [(name, command.get_short_help_str(most)) for name, command in shown.items()]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)
