"""``offsider doctor``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from .desk import app_options, opened, say_json
from .wording import plain

if TYPE_CHECKING:
    from ..api.doctor import Diagnosis

MARKS = {"ok": "ok     ", "unknown": "unknown", "warning": "WARNING", "problem": "PROBLEM"}


@click.command(short_help="Is this server one that keeps jobs? Settings, keys and workers, too.")
@click.option("--settings", "with_settings", is_flag=True, help="Every setting, and who has set it.")
@click.option("--strict", is_flag=True, help="Warnings and what is unknown count, too.")
@app_options
def doctor(with_settings: bool, strict: bool, target: str | None, config: str | None, as_json: bool) -> None:
    """Look at server, settings, keys and workers: what is there, what was expected, what to do.

    The exit code is 0 without a problem, 1 with one; with --strict, 0 when all is ok.
    """
    from ..api.doctor import doctor as examine

    with opened(target, config) as app:
        diagnosis = examine(app)
    if as_json:
        say_json(diagnosis.to_dict())
    else:
        _show(diagnosis, with_settings)
    sys.exit(int(diagnosis.level != "ok" if strict else diagnosis.level == "problem"))


def _show(diagnosis: Diagnosis, with_settings: bool) -> None:
    for one in diagnosis.findings:
        click.echo(
            f"{MARKS[one.level]}  {one.name}: {plain(one.value)}{'; expected ' * bool(one.expected)}{one.expected}"
        )
        if one.advice:
            click.echo(f"         {plain(one.advice)}")
    if with_settings:
        click.echo("\nsettings")
    for setting in diagnosis.settings:
        if with_settings or setting.source != "default":
            click.echo(f"  {setting.key} = {plain(repr(setting.value))}  ({setting.source})")
