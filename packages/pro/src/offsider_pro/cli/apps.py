"""The app that a command is about: ``--app MODULE:APP``, or the one that the settings here make."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from offsider import App
from offsider.cli.target import find_app
from offsider.errors import suggest

Decorated = Callable[..., Any]


def app_options(command: Decorated) -> Decorated:
    """Adds ``--app`` and ``--config``."""
    command = click.option("--config", type=click.Path(dir_okay=False), help="The settings file.")(command)
    return click.option("--app", "target", metavar="MODULE:APP", help="The app; the settings' Redis without it.")(
        command
    )


@contextmanager
def opened(target: str | None, config: str | None) -> Iterator[App]:
    """The app, closed afterwards."""
    app = find_app(target, config=config) if target else App(config=config)
    try:
        yield app
    finally:
        app.close()


def warn_of_strangers(queues: tuple[str, ...], known: list[str]) -> None:
    """Say which queues nobody has ever enqueued into: they may be misspelt."""
    for queue in queues:
        if queue not in known:
            click.echo(f"no job was ever enqueued into the queue {queue!r}.{suggest(queue, known)}", err=True)
