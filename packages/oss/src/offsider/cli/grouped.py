"""A group of commands that lists when it is not told what to do: ``offsider queues`` is ``offsider queues list``."""

from __future__ import annotations

import click


class Listing(click.Group):
    """A group whose command ``list`` is the one that is meant when none is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``list`` where no command is named."""
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)
