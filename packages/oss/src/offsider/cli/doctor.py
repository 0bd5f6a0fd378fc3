"""``offsider doctor``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ..contract.findings import LEVELS
from .desk import app_options, opened, places, say_json
from .wording import plain

if TYPE_CHECKING:
    from ..api.doctor import Diagnosis

MARKS = {"ok": "ok     ", "unknown": "unknown", "warning": "WARNING", "problem": "PROBLEM"}


@click.command(short_help="Is this server one that keeps jobs? Settings, keys and workers, too.")
@click.option("--settings", "with_settings", is_flag=True, help="Every setting, and who has set it.")
@click.option("--strict", is_flag=True, help="Warnings and what is unknown count, too.")
@app_options
def doctor(with_settings: bool, strict: bool, target: str | None, config: str | None, as_json: bool) -> None:
    """Look at server, settings, keys and workers: what is there, what was expected, what to do. At all shards, too.

    The exit code is 0 without a problem, 1 with one; with --strict, 0 when all is ok.
    """
    from ..api.doctor import doctor as examine

    with opened(target, config) as app:
        own, *others = [(name, examine(place)) for name, place in places(app)]
    if as_json:
        told = own[1].to_dict()
        if others:
            told["level"] = max((one.level for _name, one in (own, *others)), key=LEVELS.index)
            told["shards"] = {name: {"level": one.level, "findings": one.to_dict()["findings"]} for name, one in others}
        say_json(told)
    else:
        for name, diagnosis in (own, *others):
            _show_findings(diagnosis, name if others else None)
        _show_settings(own[1], with_settings)
    levels = {diagnosis.level for _name, diagnosis in (own, *others)}
    sys.exit(int(levels != {"ok"} if strict else "problem" in levels))


def _show_findings(diagnosis: Diagnosis, shard: str | None) -> None:
    if shard is not None:
        click.echo(f"\nshard {shard!r}")
    for one in diagnosis.findings:
        click.echo(
            f"{MARKS[one.level]}  {one.name}: {plain(one.value)}{'; expected ' * bool(one.expected)}{one.expected}"
        )
        if one.advice:
            click.echo(f"         {plain(one.advice)}")


def _show_settings(diagnosis: Diagnosis, with_settings: bool) -> None:
    if with_settings:
        click.echo("\nsettings")
    for setting in diagnosis.settings:
        if with_settings or setting.source != "default":
            click.echo(f"  {setting.key} = {plain(repr(setting.value))}  ({setting.source})")
