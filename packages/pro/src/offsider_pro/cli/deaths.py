"""``offsider deaths``."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from ..reliable.deaths import LATEST, Deaths
from .apps import app_options, opened


@click.command(short_help="List worker processes that died, and of what.")
@click.option("--limit", type=click.IntRange(1, 1000), default=LATEST, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="A list of objects, for programs.")
@app_options
def deaths(limit: int, as_json: bool, target: str | None, config: str | None) -> None:
    """List the worker processes that died in the last seven days, the latest first, each with the cause."""
    with opened(target, config) as app:
        found = Deaths(app).latest(limit)
    if as_json:
        click.echo(json.dumps([one.to_dict() for one in found], ensure_ascii=False))
        return
    for one in found:
        when = datetime.fromtimestamp(one.at_s, UTC).isoformat(timespec="seconds")
        click.echo(f"{when}  {one.process}  {one.cause}; {one.jobs} jobs in flight")
    if not found:
        click.echo("no worker process has died in the last seven days")
