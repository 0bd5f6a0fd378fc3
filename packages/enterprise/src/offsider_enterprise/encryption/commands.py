"""``offsider encryption``: make a key, see which keys are in use, encrypt what waits with the new one."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from offsider.cli import table
from offsider.cli.desk import app_options, opened, say_json

if TYPE_CHECKING:
    from .key import Key
    from .ring import KeyRing
    from .rotation import Rotated
    from .survey import Survey

PRIVATE = 0o600


@click.group("encryption", short_help="Keys of encrypted jobs: make one, rotate, see which are in use.")
def encryption() -> None:
    """Make a key, see which keys are in use, encrypt what waits with the active one."""


@encryption.command("keygen", short_help="Make a key.")
@click.option("--file", "path", type=click.Path(path_type=Path), help="Write it there, for its owner only.")
def keygen(path: Path | None) -> None:
    """Print a new key: 32 random bytes as base64. It is not stored anywhere."""
    from .key import generate

    if path is None:
        click.echo(generate())
        return
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "w", encoding="ascii") as file:
            file.write(generate() + "\n")
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}. A key is never overwritten") from None
    click.echo(f"{path} has a new key", err=True)


@encryption.command("status", short_help="Which keys are in use.")
@app_options
def status(target: str | None, config: str | None, as_json: bool) -> None:
    """Count what is encrypted, by key and by place. The exit code is 1 when something needs a key that is not here."""
    from .install import codec_of
    from .key_check import process_keys
    from .survey import survey

    with opened(target, config) as app:
        ring = codec_of(app).ring
        found = survey(app)
        processes = dict(process_keys(app))
    ours = {f"{key.id}:{key.fingerprint.hex()}": _state(ring, key) for key in ring.keys}
    missing = [name for name in found.tokens if name not in ours]
    if as_json:
        keys = {name: {"state": state, "values": found.tokens[name]} for name, state in ours.items()}
        say_json({**found.to_dict(), "keys": keys, "missing": missing, "processes": processes})
    else:
        _show(found, ours, processes)
    sys.exit(1 if missing else 0)


def _state(ring: KeyRing, key: Key) -> str:
    state = "encrypts" if key is ring.active else "decrypts"
    return f"{state}, names locks" if key is ring.digester else state


def _show(found: Survey, ours: dict[str, str], processes: dict[str, list[str]]) -> None:
    rows = []
    for name in [*ours, *(one for one in sorted(found.tokens) if one not in ours)]:
        key_id, _colon, fingerprint = name.partition(":")
        state = ours.get(name, "MISSING HERE")
        have = sum(name in keys for keys in processes.values())
        told = f"{have} of {len(processes)}" if processes else ""
        rows.append((key_id, fingerprint, state, f"{found.tokens[name]:,}", told))
    table.show(("key", "fingerprint", "state", "values in Redis", "processes that have it"), rows, right=[3])
    for place, count in sorted(found.jobs.items()):
        click.echo(f"{count:>9,}  encrypted jobs in {place}")
    others = [name for name, state in ours.items() if "decrypts" in state]
    unused = [name.partition(":")[0] for name in others if not found.tokens[name]]
    if unused:
        click.echo(
            f"No job in Redis has the key {', '.join(unused)}. Results that are kept, an outbox and what is on its way"
            " are not counted: keep a key for as long as those may live. When the one that names locks of unique jobs"
            " goes, locks of before do not hold jobs of after"
        )


@encryption.command("rotate", short_help="Encrypt what waits with the active key.")
@click.option("--seal-plaintext", is_flag=True, help="Encrypt, too, what is plain and by the code should not be.")
@click.option("--dry-run", is_flag=True, help="Only count.")
@app_options
def rotate(seal_plaintext: bool, dry_run: bool, target: str | None, config: str | None, as_json: bool) -> None:
    """Encrypt what waits or is dead with the active key. It may be interrupted and begun again, also beside workers.

    The exit code is 1 when something could not be: its key is not here, it was tampered with, or would be too large.
    """
    from .install import codec_of
    from .rotation import Rotation

    if seal_plaintext and target is None:
        raise click.UsageError("--seal-plaintext needs --app MODULE:APP: the code says which arguments are encrypted")
    with opened(target, config) as app:
        done = Rotation(app, codec_of(app), seal_plaintext=seal_plaintext, dry_run=dry_run).run()
    if as_json:
        say_json({**done.to_dict(), "dry_run": dry_run})
    else:
        _tell(done, dry_run=dry_run)
    sys.exit(1 if done.missing or done.refused else 0)


def _tell(done: Rotated, *, dry_run: bool) -> None:
    verb = "would be" if dry_run else "are"
    click.echo(f"{done.rotated:>9,}  jobs {verb} encrypted with the active key, and had another")
    click.echo(f"{done.sealed:>9,}  jobs {verb} encrypted, and were plain")
    if done.missing:
        click.echo(f"{done.missing:>9,}  jobs stay as they are: their key is not here", err=True)
    if done.refused:
        click.echo(f"{done.refused:>9,}  jobs stay as they are: the log says why", err=True)
