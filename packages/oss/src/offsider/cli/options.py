"""Options of ``offsider worker`` that stand for settings: makes click's of them, and collects what was given."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import click

from ..contract.setting_option import SettingOption

SETTINGS = __name__
"""Where a context keeps them."""

OURS = {
    "timeout": SettingOption(
        words=("-t", "--timeout"),
        setting="worker.shutdown_timeout_s",
        type=click.FloatRange(0),
        help="Seconds for running jobs at TERM.",
    ),
    "log-level": SettingOption(
        words=("--log-level",),
        setting="worker.log_level",
        type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], case_sensitive=False),
        help="What is logged.",
    ),
    "log-format": SettingOption(
        words=("--log-format",),
        setting="worker.log_format",
        type=click.Choice(["pretty", "json", "logfmt"]),
        help="How it is logged.",
    ),
}


def with_options(command: click.Command, options: Iterable[SettingOption]) -> click.Command:
    """The same command with these options, too, before its ``--help``."""
    made = copy.copy(command)
    made.params = [*command.params, *(_option(one) for one in options)]
    return made


def given(context: click.Context) -> dict[str, dict[str, Any]]:
    """What was given: section → name → value."""
    found: dict[str, dict[str, Any]] = context.meta.get(SETTINGS, {})
    return found


def _option(one: SettingOption) -> click.Option:
    section, name = one.place

    def note(context: click.Context, _option: click.Parameter, said: Any) -> None:
        if said is not None and not (one.is_flag and not said):
            value = one.value if one.is_flag else said
            context.meta.setdefault(SETTINGS, {}).setdefault(section, {})[name] = value

    return click.Option(
        list(one.words),
        type=None if one.is_flag else one.type,
        metavar=one.metavar,
        is_flag=one.is_flag or None,  # click takes False for an option whose value may be left out
        expose_value=False,
        callback=note,
        help=one.help,
    )
