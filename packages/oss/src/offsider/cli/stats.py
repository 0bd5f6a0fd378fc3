"""``offsider stats``."""

from __future__ import annotations

import click

from . import table
from .desk import app_options, opened, say_json
from .wording import span


@click.command(short_help="Figures of everything, and of each day.")
@click.option("--history", "days", type=click.IntRange(1, 1825), metavar="DAYS", help="Of the last days, UTC.")
@app_options
def stats(days: int | None, target: str | None, config: str | None, as_json: bool) -> None:
    """Show what was done, what waits, and who works. `processed` counts attempts, failed ones included."""
    with opened(target, config) as app:
        figures = app.stats.now()
        history = app.stats.history(days) if days else []
    if as_json:
        told = figures.to_dict()
        if days:
            told["history"] = [
                {"day": one.day.isoformat(), "processed": one.processed, "failed": one.failed} for one in history
            ]
        say_json(told)
        return
    names = ("processed", "failed", "enqueued", "scheduled", "retries", "dead", "quarantined", "processes")
    rows = [(name, f"{getattr(figures, name):,}") for name in names]
    rows += [("busy", f"{figures.busy:,}/{figures.concurrency:,}"), ("latency", span(figures.latency_s))]
    for line in table.lines(("", ""), rows, right=(1,))[1:]:
        click.echo(line)
    if history:
        click.echo()
        days_shown = [(one.day.isoformat(), f"{one.processed:,}", f"{one.failed:,}") for one in history]
        table.show(("day", "processed", "failed"), days_shown, right=(1, 2))
