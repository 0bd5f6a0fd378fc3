"""``offsider why JID``."""

from __future__ import annotations

import json
import sys

import click

from ..app import App
from .target import find_app


@click.command(short_help="Where a job is, and why it does not run.")
@click.argument("jid")
@click.option("--app", "target", metavar="MODULE:APP", help="The app; the settings' Redis without it.")
@click.option("--config", type=click.Path(dir_okay=False), help="The settings file.")
@click.option("--limit", type=click.IntRange(1), default=100_000, show_default=True, help="Entries to look at.")
@click.option("--json", "as_json", is_flag=True, help="All of it, as one JSON object.")
def why(jid: str, target: str | None, config: str | None, limit: int, as_json: bool) -> None:
    """Say where the job JID is (its queue, the schedule, in flight, dead …) and why it does not run.

    The exit code is 0 when it was found, 1 when it was not.
    """
    app = find_app(target, config=config) if target else App(config=config)
    try:
        answer = app.why(jid, limit=limit)
    finally:
        app.close()
    click.echo(json.dumps(answer.to_dict(), ensure_ascii=False) if as_json else str(answer))
    sys.exit(1 if answer.place in ("nowhere", "unknown") else 0)
