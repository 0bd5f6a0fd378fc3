"""``offsider why JID``."""

from __future__ import annotations

import sys

import click

from .desk import app_options, opened, say_json
from .wording import plain


@click.command(short_help="Where a job is, and why it does not run.")
@click.argument("jid")
@app_options
@click.option("--limit", type=click.IntRange(1), default=100_000, show_default=True, help="Entries to look at.")
def why(jid: str, target: str | None, config: str | None, limit: int, as_json: bool) -> None:
    """Say where the job JID is (its queue, the schedule, in flight, dead …) and why it does not run.

    The exit code is 0 when it was found, 1 when it was not.
    """
    with opened(target, config) as app:
        answer = app.why(jid, limit=limit)
    if as_json:
        say_json(answer.to_dict())
    else:
        for line in str(answer).splitlines():
            click.echo(plain(line))  # it has words of the job: its error, its queue
    sys.exit(1 if answer.place in ("nowhere", "unknown") else 0)
