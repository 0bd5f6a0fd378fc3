"""``offsider jobs``: one job by its id, wherever it is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from . import listing, table
from .desk import app_options, opened, say_json, sure, yes_option
from .grouped import Listing
from .wording import When, arguments, instant, plain, span

if TYPE_CHECKING:
    from ..api.info import JobInfo
    from ..app import App

SETS = {"schedule": "scheduled", "retry": "retries", "dead": "dead"}


@click.group("jobs", cls=Listing, short_help="Jobs that run; one job by its id: show, cancel, delete, retry …")
def jobs() -> None:
    """Look at one job by its id, wherever it is, and do something about it; without a command, list what runs."""


@jobs.command("list", short_help="The jobs that run now.")
@app_options
def list_running(target: str | None, config: str | None, as_json: bool) -> None:
    """List the jobs that run now, the longest first, as the last heartbeats told."""
    from .. import clock

    with opened(target, config) as app:
        found = app.running.all()
    if as_json:
        listing.say_list(one.to_dict() for one in found)
    elif found:
        now_s = clock.now_s()
        rows = [
            (one.jid, one.name, one.queue, span(max(0.0, now_s - one.since_s)), progress(one.progress), one.process)
            for one in found
        ]
        table.show(("jid", "name", "queue", "for", "progress", "process"), rows)
    else:
        click.echo("nothing runs now")


def progress(told: tuple[float, float, str] | None) -> str:
    """``3/10 note``; empty when the body has told nothing.

    Example:
        >>> progress((3.0, 10.0, "sending"))
        '3/10 sending'
    """
    return "" if told is None else f"{told[0]:g}/{told[1]:g} {told[2]}".rstrip()


@jobs.command("show", short_help="Where a job is, and all that is known of it.")
@click.argument("jid")
@app_options
def show(jid: str, target: str | None, config: str | None, as_json: bool) -> None:
    """Show the job JID. The exit code is 1 when it is not found."""
    with opened(target, config) as app:
        found = app.job_info(jid)
    if as_json:
        say_json(None if found is None else found.to_dict())
    elif found is None:
        click.echo(f"{jid} is not in Redis: it has ended, was deleted, or was never enqueued here", err=True)
    else:
        _show(found)
    sys.exit(1 if found is None else 0)


def _show(info: JobInfo) -> None:
    job = info.job
    told: dict[str, object] = {
        "jid": info.jid,
        "place": info.place,
        "queue": info.queue,
        "position": None if info.position is None else f"{info.position:,} of {info.length or info.position:,}",
        "since" if info.place == "in flight" else "at": instant(info.at_s),
        "process": info.process,
        "progress": progress(info.progress),
    }
    if job is not None:
        told |= {"name": job.name, "arguments": arguments(job.args, job.kwargs), "tags": ", ".join(job.tags)}
        told |= {"created": instant(job.created_s), "enqueued": instant(job.enqueued_s)}
        told |= {"failures": job.failures or None, "error": job.error}
    for name, value in told.items():
        if value not in (None, ""):
            click.echo(f"{name + ':':<11} {plain(str(value))}")
    for line in [] if job is None else job.traceback:
        click.echo(f"  {plain(line.rstrip())}")


# -- acting ------------------------------------------------------------------------------------------------------


@jobs.command("cancel", short_help="End a job: remove it, or ask its process to end it.")
@click.argument("jid")
@yes_option
@app_options
def cancel(jid: str, yes: bool, target: str | None, config: str | None, as_json: bool) -> None:
    """Remove the job JID where it waits; where it runs, ask its process to end it. The exit code is 1 when neither."""
    sure(f"cancel the job {jid}", yes=yes)
    with opened(target, config) as app:
        done = app.cancel(jid)
    if as_json:
        say_json({"jid": jid, "place": done.place, "removed": done.removed, "requested": done.requested})
    elif done.removed:
        click.echo(f"{jid} is removed from where it was: {done.place}")
    elif done.requested:
        click.echo(f"{jid} runs; its process is asked to end it, which takes about a second, or until it asks")
    else:
        click.echo(f"{jid} was not cancelled: {_not_there(done.place)}", err=True)
    sys.exit(0 if done else 1)


def _not_there(place: str) -> str:
    known = place not in ("nowhere", "unknown")
    return f"it is in {place!r}" if known else "it is not in Redis (any more)"


@jobs.command("delete", short_help="Delete a job that waits, or is dead.")
@click.argument("jid")
@yes_option
@app_options
def delete(jid: str, yes: bool, target: str | None, config: str | None, as_json: bool) -> None:
    """Delete the job JID where it waits, or from the dead. One that runs is not deleted: cancel it."""
    sure(f"delete the job {jid}", yes=yes)

    def act(app: App, info: JobInfo) -> bool:
        if info.place == "queue":
            return app.queues[info.queue].delete(jid)
        return bool(getattr(app, SETS[info.place]).delete(jid))

    _act(jid, "deleted", ("queue", *SETS), act, target, config, as_json)


@jobs.command("retry", short_help="Try a job again now that has failed, or is dead.")
@click.argument("jid")
@app_options
def retry(jid: str, target: str | None, config: str | None, as_json: bool) -> None:
    """Put the job JID, which has failed, into its queue now. The attempt uses none of its retries."""
    _act(jid, "enqueued", ("retry", "dead"), _in_set("run_now"), target, config, as_json)


@jobs.command("run", short_help="Run a job now that is scheduled, has failed, or is dead.")
@click.argument("jid")
@app_options
def run(jid: str, target: str | None, config: str | None, as_json: bool) -> None:
    """Put the job JID into its queue now."""
    _act(jid, "enqueued", tuple(SETS), _in_set("run_now"), target, config, as_json)


@jobs.command("kill", short_help="Put a job among the dead.")
@click.argument("jid")
@yes_option
@app_options
def kill(jid: str, yes: bool, target: str | None, config: str | None, as_json: bool) -> None:
    """Put the job JID, which is scheduled or tried again, among the dead."""
    sure(f"put the job {jid} among the dead", yes=yes)
    _act(jid, "killed", ("schedule", "retry"), _in_set("kill"), target, config, as_json)


@jobs.command("reschedule", short_help="Give a job another time.")
@click.argument("jid")
@click.option("--at", "at", type=When(), required=True, help="10m, 2h, 1d from now, or an ISO 8601 time.")
@app_options
def reschedule(jid: str, at: datetime, target: str | None, config: str | None, as_json: bool) -> None:
    """Give the job JID, which is scheduled or tried again, another time."""
    _act(jid, "rescheduled", ("schedule", "retry"), _in_set("reschedule", at), target, config, as_json)


def _in_set(act: str, *more: Any) -> Callable[[App, JobInfo], bool]:
    return lambda app, info: bool(getattr(getattr(app, SETS[info.place]), act)(info.jid, *more))


def _act(
    jid: str,
    verb: str,
    places: tuple[str, ...],
    act: Callable[[App, JobInfo], bool],
    target: str | None,
    config: str | None,
    as_json: bool,
) -> None:
    """Find it, do it where it is, and tell; exit code 1 when it is somewhere else, or nowhere."""
    with opened(target, config) as app:
        info = app.job_info(jid)
        done = info is not None and info.place in places and act(app, info)
    place = "nowhere" if info is None else info.place
    if as_json:
        say_json({"jid": jid, "place": place, verb: done})
    elif done:
        click.echo(f"{jid} is {verb}")
    else:
        hint = "; cancel it instead" if place == "in flight" else ""
        said = "" if place in places else f"; expected {' or '.join(map(repr, places))}{hint}"
        click.echo(f"{jid} was not {verb}: {_not_there(place)}{said}", err=True)
    sys.exit(0 if done else 1)
