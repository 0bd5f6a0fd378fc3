"""``offsider why JID``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ..errors import StoreError
from .desk import app_options, opened, places, say_json
from .wording import plain

if TYPE_CHECKING:
    from ..api.why import Why
    from ..app import App

NOT_FOUND = ("nowhere", "unknown")


@click.command(short_help="Where a job is, and why it does not run.")
@click.argument("jid")
@app_options
@click.option("--limit", type=click.IntRange(1), default=100_000, show_default=True, help="Entries to look at.")
def why(jid: str, target: str | None, config: str | None, limit: int, as_json: bool) -> None:
    """Say where the job JID is (its queue, the schedule, in flight, dead …) and why it does not run.

    Shards are looked at, too, until it is found.

    The exit code is 0 when it was found, 1 when it was not.
    """
    with opened(target, config) as app:
        shard, answer, looked_at = asked(app, jid, limit)
    if as_json:
        say_json({**answer.to_dict(), "shard": shard})
    else:
        if shard is not None:
            click.echo(f"in shard {shard!r}:")
        elif looked_at > 1:
            click.echo(f"in none of the {looked_at} Redises of this app:")
        for line in str(answer).splitlines():
            click.echo(plain(line))  # it has words of the job: its error, its queue
    sys.exit(1 if answer.place in NOT_FOUND else 0)


def asked(app: App, jid: str, limit: int) -> tuple[str | None, Why, int]:
    """Each Redis of the app, until one has the job: which shard that is, what is said, and how many were asked.

    Raises:
        StoreError: The job was not found, and one of them has not answered.
    """
    answers: list[Why] = []
    away: list[StoreError] = []
    for shard, place in places(app):
        try:
            answers.append(place.why(jid, limit=limit))
        except StoreError as error:
            away.append(error)
            continue
        if answers[-1].place not in NOT_FOUND:
            return shard, answers[-1], 1
    if away:
        raise away[0]
    return None, answers[0], len(answers)
