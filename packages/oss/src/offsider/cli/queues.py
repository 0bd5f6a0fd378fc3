"""``offsider queues``."""

from __future__ import annotations

import sys

import click

from . import listing, table
from .desk import app_options, opened, say_json, sure, yes_option
from .grouped import Listing
from .wording import span


@click.group("queues", cls=Listing, short_help="The queues: how long, how late; show or clear one.")
def queues() -> None:
    """Look at the queues; without a command, list them."""


@queues.command("list", short_help="Each queue with its size and latency.")
@app_options
def list_queues(target: str | None, config: str | None, as_json: bool) -> None:
    """List the queues, the longest first. The latency is how long the next job has waited."""
    with opened(target, config) as app:
        found = app.stats.now().queues
    if as_json:
        listing.say_list(one.to_dict() for one in found)
    elif found:
        table.show(
            ("queue", "size", "latency"), [(q.name, f"{q.size:,}", span(q.latency_s)) for q in found], right=(1, 2)
        )
    else:
        click.echo("no queue yet: nothing was ever enqueued here")


@queues.command("show", short_help="The jobs that wait in a queue.")
@click.argument("name")
@click.option("--newest", is_flag=True, help="Those that came last, instead of those that are next.")
@listing.count_options
@app_options
def show(
    name: str, newest: bool, count: int, every: bool, target: str | None, config: str | None, as_json: bool
) -> None:
    """List the jobs that wait in the queue NAME, the next one first; with --all the newest first."""
    with opened(target, config) as app:
        jobs = listing.of_queue(app.queues[name], None if every else count, newest=newest)
        columns = ("#", "jid", "name", "waits since", "arguments")
        listing.show(jobs, as_json=as_json, columns=columns, nothing=f"nothing waits in {name}")


@queues.command("clear", short_help="Delete all jobs that wait in a queue.")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@yes_option
@app_options
def clear(names: tuple[str, ...], yes: bool, target: str | None, config: str | None, as_json: bool) -> None:
    """Delete all jobs that wait in the queues NAME. What runs goes on. The exit code is 1 when there were none."""
    with opened(target, config) as app:
        chosen = [app.queues[name] for name in names]
        if not yes:
            waiting = ", ".join(f"{queue.name}: {queue.size:,}" for queue in chosen)
            sure(f"delete all waiting jobs of {len(chosen)} queue{'s' * (len(chosen) > 1)} ({waiting})", yes=yes)
        cleared = {queue.name: queue.clear() for queue in chosen}
    if as_json:
        say_json(cleared)
    else:
        for name, count in cleared.items():
            click.echo(f"{name}: {count:,} jobs deleted")
    sys.exit(0 if any(cleared.values()) else 1)
