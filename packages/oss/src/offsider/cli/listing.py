"""Lists of jobs: which ones, how many, and as what they are shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import click

from . import table
from .wording import arguments, moment

if TYPE_CHECKING:
    from ..api.entry import JobEntry
    from ..api.queues import Queue
    from ..api.sets import SetOfJobs
    from ..api.where import Where

F = TypeVar("F", bound=Callable[..., Any])

COUNT = 25
PAGE = 500


def count_options(command: F) -> F:
    """``--count`` and ``--all``: what a command is given as ``count`` and ``every``."""
    for option in (
        click.option("--all", "every", is_flag=True, help="All of them."),
        click.option(
            "-n", "--count", type=click.IntRange(1), default=COUNT, show_default=True, help="How many at most."
        ),
    ):
        command = option(command)
    return command


def where_options(command: F) -> F:
    """The conditions of a selection: what a command is given as ``name``, ``queue``, ``error``, ``tag``, ``text``."""
    for option in (
        click.option("--text", help="Only those with this text anywhere in them."),
        click.option("--tag", help="Only those with this tag."),
        click.option("--error", help="Only those that failed with this error."),
        click.option("--queue", help="Only those of this queue."),
        click.option("--name", help="Only jobs of this name."),
    ):
        command = option(command)
    return command


def of_set(jobs: SetOfJobs, where: Where, most: int | None) -> Iterator[JobEntry]:
    """Jobs of a set, page by page: by their time, or, with conditions, as the search finds them.

    Args:
        jobs: The set.
        where: Which ones.
        most: How many; None for all.
    """
    if not where.is_all:
        return islice(_searched(jobs, where), most)
    size = min(PAGE, most or PAGE)
    return islice(_pages(jobs, size, lambda skip: jobs.jobs(count=size, skip=skip)), most)


def of_queue(queue: Queue, most: int | None, *, newest: bool) -> Iterator[JobEntry]:
    """Jobs of a queue; all of them newest first, since a list is read quickly from one end only."""
    if most is None:
        return iter(queue)
    size = min(PAGE, most)
    return islice(_pages(queue, size, lambda skip: queue.jobs(count=size, skip=skip, newest=newest)), most)


def show(jobs: Iterable[JobEntry], *, as_json: bool, columns: Sequence[str], nothing: str) -> None:
    """Print jobs, a page at a time: a table, or one JSON list.

    Args:
        jobs: Which.
        as_json: As JSON.
        columns: Names in `COLUMNS`.
        nothing: What to say of none.
    """
    if as_json:
        say_list(one.to_dict() for one in jobs)
        return
    rest = iter(jobs)
    page = list(islice(rest, PAGE))
    if not page:
        click.echo(nothing)
    while page:
        rows = [[COLUMNS[name](one) for name in columns] for one in page]
        table.show(columns, rows, right=[k for k, name in enumerate(columns) if name in ("#", "failed")])
        page = list(islice(rest, PAGE))


def say_list(values: Iterable[object]) -> None:
    """One JSON list, written while it is read: a million entries need no memory."""
    mark = "["
    for value in values:
        click.echo(mark + json.dumps(value, ensure_ascii=False, default=str), nl=False)
        mark = ",\n"
    click.echo("[]" if mark == "[" else "]")


COLUMNS: dict[str, Callable[[JobEntry], str]] = {
    "jid": lambda one: one.jid,
    "name": lambda one: one.name,
    "queue": lambda one: one.queue,
    "when": lambda one: moment(one.at_s),
    "#": lambda one: str(one.position or ""),
    "waits since": lambda one: moment(one.enqueued_s or one.created_s),
    "failed": lambda one: f"{one.failures}",
    "error": lambda one: one.error.partition("\n")[0],
    "arguments": lambda one: arguments(one.args, one.kwargs),
}


def _pages(jobs: Sized, size: int, read: Callable[[int], list[JobEntry]]) -> Iterator[JobEntry]:
    """As many pages as there are now: one without a job may be full of bytes that are none, and is not the last."""
    for skip in range(0, len(jobs), size):
        yield from read(skip)


def _searched(jobs: SetOfJobs, where: Where) -> Iterator[JobEntry]:
    cursor: str | None = None
    while True:
        page = jobs.search(
            where.text, name=where.name, queue=where.queue, error=where.error, tag=where.tag, limit=PAGE, cursor=cursor
        )
        yield from page.jobs
        cursor = page.cursor
        if cursor is None:
            return
