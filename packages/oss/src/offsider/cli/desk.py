"""What the commands that look and act share: whose Redis it is, JSON or text, and the question before what is final."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .target import find_app

if TYPE_CHECKING:
    from ..app import App

SHARD = "offsider.shard"
F = TypeVar("F", bound=Callable[..., Any])


def app_options(command: F) -> F:
    """``--app``, ``--config`` and ``--json``: what such a command is given as ``target``, ``config``, ``as_json``.

    And ``--shard``, which is for `opened`.
    """
    for option in (
        click.option("--shard", metavar="NAME", expose_value=False, callback=_note_shard, help="This shard's Redis."),
        click.option("--json", "as_json", is_flag=True, help="All of it, as JSON."),
        click.option("--config", type=click.Path(dir_okay=False), help="The settings file."),
        click.option("--app", "target", metavar="MODULE:APP", help="The app; the settings' Redis without it."),
    ):
        command = option(command)
    return command


def _note_shard(context: click.Context, _option: click.Parameter, name: str | None) -> None:
    context.meta[SHARD] = name


def yes_option(command: F) -> F:
    """``--yes``."""
    return click.option("-y", "--yes", is_flag=True, help="Do not ask.")(command)


@contextmanager
def opened(target: str | None, config: str | None) -> Iterator[App]:
    """The app that is meant, closed afterwards.

    Args:
        target: ``MODULE:APP``; None for one out of the settings alone.
        config: The settings file.

    Raises:
        ConfigError: There is no such app, or the settings are not usable.
    """
    from ..app import App

    app = find_app(target, config=config) if target else App(config=config)
    shard = _shard_named()
    if shard is not None:
        app.serve(shard)
    try:
        yield app
    finally:
        app.close()


def places(app: App) -> list[tuple[str | None, Any]]:
    """What a command looks at that asks everywhere: the app's own Redis and its shards; with ``--shard`` only that one.

    Each with its name; None for the app's own.
    """
    named = _shard_named()
    if named is not None:
        return [(named, app)]
    return [(None, app), *((name, app.shard(name)) for name in app.settings.shards)]


def _shard_named() -> str | None:
    context = click.get_current_context(silent=True)
    return None if context is None else context.meta.get(SHARD)


def say_json(value: object) -> None:
    """One JSON value on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


def sure(question: str, *, yes: bool) -> None:
    """Return when it may be done: ``--yes`` was given, or a person at a terminal says so.

    Args:
        question: What is about to be done, e.g. ``"delete 12 jobs"``.
        yes: Do not ask.

    Raises:
        click.UsageError: There is nobody to ask.
        click.Abort: The answer is no.
    """
    if yes:
        return
    if not _at_a_terminal():
        raise click.UsageError(f"this would {question}, and there is no terminal to ask at: say --yes to do it")
    click.confirm(f"This will {question}. Go on?", abort=True, err=True)


def _at_a_terminal() -> bool:
    return sys.stdin.isatty()
