"""``offsider unique``: the locks of unique jobs, listed, looked up and ended."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from itertools import islice

import click

from offsider_pro.cli.apps import app_options, opened

from .locks import Lock, UniqueLocks
from .reason import until

# The name of a lock may begin with a hyphen: such a word is no option here.
NAMES = {"ignore_unknown_options": True}


@click.group(short_help="The locks of unique jobs: list, find, unlock.")
def unique() -> None:
    """The locks of unique jobs: who holds which, until when."""


@unique.command("list", short_help="List the locks.")
@click.option("--class", "name", metavar="NAME", help="Only those of this class.")
@click.option("-n", "--count", type=click.IntRange(1), default=25, show_default=True, help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="A list of objects, for programs.")
@app_options
def list_locks(name: str | None, count: int, as_json: bool, target: str | None, config: str | None) -> None:
    """List the locks that are held now, in no order."""
    with opened(target, config) as app:
        locks = UniqueLocks(app)
        fitting = (lock for lock in locks if name in (None, lock.name))
        found, total = list(islice(fitting, count)), len(locks)
    if as_json:
        click.echo(json.dumps([lock.to_dict() for lock in found], ensure_ascii=False))
        return
    for lock in found:
        click.echo(told(lock))
    click.echo(f"{total:,} locks are held" if total else "no lock is held")


@unique.command("find", context_settings=NAMES, short_help="Show one lock, by its name or by the id of a job.")
@click.argument("what", metavar="DIGEST|JID")
@click.option("--json", "as_json", is_flag=True, help="An object, for programs.")
@app_options
def find(what: str, as_json: bool, target: str | None, config: str | None) -> None:
    """Show one lock: give its name, or the id of the job that holds it. The exit code is 1 when there is none."""
    with opened(target, config) as app:
        lock = _found(UniqueLocks(app), what)
    if lock is None:
        click.echo(f"no lock {what!r} is held, and no job {what!r} holds one", err=True)
        sys.exit(1)
    click.echo(json.dumps(lock.to_dict(), ensure_ascii=False) if as_json else told(lock))


@unique.command("unlock", context_settings=NAMES, short_help="End locks, by their names or by the ids of jobs.")
@click.argument("whats", nargs=-1, required=True, metavar="DIGEST|JID...")
@app_options
def unlock(whats: tuple[str, ...], target: str | None, config: str | None) -> None:
    """End locks: give their names, or the ids of the jobs that hold them.

    The jobs stay where they are; the next ones that are the same may be enqueued beside them. The exit code is 1 when
    one of the locks was not held.
    """
    ended = True
    with opened(target, config) as app:
        locks = UniqueLocks(app)
        for what in whats:
            lock = _found(locks, what)
            jid = None if lock is None else locks.unlock(lock.digest, jid=lock.jid)
            ended = ended and jid is not None
            click.echo(f"{what}: {'not locked' if jid is None else f'unlocked; job {jid} held it'}")
    sys.exit(0 if ended else 1)


def told(lock: Lock) -> str:
    """One line about a lock."""
    since = f"{datetime.fromtimestamp(lock.since_s, UTC):%Y-%m-%d %H:%M:%S}"
    where = "runs inline" if lock.inline else f"queue {lock.queue}"
    return f"{lock.digest}  {lock.name}  job {lock.jid}  {where}  since {since} UTC, {until(lock)}"


def _found(locks: UniqueLocks, what: str) -> Lock | None:
    return locks.get(what) or (locks.of(what) if 0 < len(what) <= 200 else None)
