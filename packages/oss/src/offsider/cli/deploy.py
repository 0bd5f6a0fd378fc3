"""``offsider deploy mark``."""

from __future__ import annotations

import subprocess

import click

from ..errors import InvalidOption
from .desk import opened

GIT = ("git", "log", "-1", "--format=%h %s")
GIT_S = 10.0


@click.group(short_help="Tells of deploys.")
def deploy() -> None:
    """Tell of deploys: they are lines in the charts."""


@deploy.command()
@click.argument("label", required=False)
@click.option("--app", "target", metavar="MODULE:APP", help="The app; the settings' Redis without it.")
@click.option("--config", type=click.Path(dir_okay=False), help="The settings file.")
def mark(label: str | None, target: str | None, config: str | None) -> None:
    """Mark a deploy: LABEL says what was deployed; without it, the last commit of git in this folder.

    The same label within a minute is one mark: each machine of a deploy may tell of it.
    """
    text = last_commit() if label is None else label
    with opened(target, config) as app:
        new = app.metrics.mark(text)
    click.echo(f"marked: {text}" if new else f"already marked: {text}")


def last_commit() -> str:
    """Short hash and subject of the last commit.

    Raises:
        InvalidOption: There is no git, or no commit, here.
    """
    try:
        found = subprocess.run(GIT, capture_output=True, text=True, timeout=GIT_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        why = str(getattr(error, "stderr", None) or error).strip().splitlines()
        raise InvalidOption(
            f"there is no commit to take the label from ({why[0] if why else type(error).__name__}): say what was"
            " deployed, e.g. offsider deploy mark 'v7'"
        ) from None
    return found.stdout.strip()
