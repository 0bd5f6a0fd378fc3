"""``offsider delete``: waiting jobs, by id or by class."""

from __future__ import annotations

import sys

import click

from offsider.job.record import Record

from ..delete import Deletion
from .apps import app_options, opened, warn_of_strangers


@click.command(short_help="Delete waiting jobs by id or by class.")
@click.argument("jids", nargs=-1, metavar="[JID]...")
@click.option("--class", "name", metavar="NAME", help="All waiting jobs of this class.")
@click.option("-q", "--queue", "queues", multiple=True, metavar="NAME", help="Only from this queue; repeatable.")
@click.option("--scheduled", is_flag=True, help="Only those that wait for their time.")
@click.option("--retries", is_flag=True, help="Only those that wait for their next attempt.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before a class is deleted.")
@app_options
def delete(
    jids: tuple[str, ...],
    name: str | None,
    queues: tuple[str, ...],
    scheduled: bool,
    retries: bool,
    yes: bool,
    target: str | None,
    config: str | None,
) -> None:
    """Delete the jobs JID, or all of a class, from wherever they wait: queues, schedule and retries.

    A job that runs is not waiting. The exit code is 0 when all was found, 1 when not.
    """
    if bool(jids) == bool(name):
        raise click.UsageError("give ids of jobs, or --class NAME")
    with opened(target, config) as app:
        deletion = Deletion(app)
        known = deletion.queues()
        warn_of_strangers(queues, known)
        everywhere = not (queues or scheduled or retries)
        places = _Places(
            deletion, list(queues) or (known if everywhere else []), scheduled or everywhere, retries or everywhere
        )
        found = places.delete_class(name, ask=not yes) if name else places.delete_jids(jids)
    sys.exit(0 if found else 1)


class _Places:
    """Where to look."""

    def __init__(self, deletion: Deletion, queues: list[str], scheduled: bool, retries: bool) -> None:
        self._deletion = deletion
        self._queues = queues
        self._scheduled = scheduled
        self._retries = retries

    def delete_jids(self, jids: tuple[str, ...]) -> bool:
        """Delete each from the first place that has it, and say so; True when all were found."""
        found = [self._delete_jid(jid) for jid in jids]
        return all(found)

    def _delete_jid(self, jid: str) -> bool:
        place, record = self._first(jid)
        if record is None:
            click.echo(f"{jid}: no such job waits here (one that runs is not waiting)")
            return False
        click.echo(f"{jid}: {record['class']} deleted from {place}")
        return True

    def delete_class(self, name: str, *, ask: bool) -> bool:
        """Delete all jobs of a class from all places, and say how many."""
        places = [f"queue {queue}" for queue in self._queues]
        places += ["the schedule"] * self._scheduled + ["the retries"] * self._retries
        if ask:
            click.confirm(f"Delete all jobs of the class {name} from {', '.join(places)}?", abort=True)
        counts = [self._deletion.by_class(queue, name) for queue in self._queues]
        counts += [self._deletion.scheduled_class(name)] if self._scheduled else []
        counts += [self._deletion.retry_class(name)] if self._retries else []
        for place, count in zip(places, counts, strict=True):
            click.echo(f"{count:>9,}  {place}")
        return sum(counts) > 0

    def _first(self, jid: str) -> tuple[str, Record | None]:
        if self._scheduled and (record := self._deletion.scheduled(jid)) is not None:
            return "the schedule", record
        if self._retries and (record := self._deletion.retry(jid)) is not None:
            return "the retries", record
        for queue in self._queues:
            if (record := self._deletion.by_jid(queue, jid)) is not None:
                return f"queue {queue}", record
        return "", None
