"""Flask: an extension that runs jobs within the application's context, and its command ``flask offsider worker``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click
from flask.cli import AppGroup

from ..app import App
from ..contract.middleware import NextAsync, NextSync, ServerMiddleware
from ..errors import ConfigError

if TYPE_CHECKING:
    from flask import Flask

LINK = "flask"


class Offsider:
    """The extension. Jobs have ``current_app``, and whatever other extensions keep there, such as a database session.

    Args:
        app: The app with the jobs; made of the settings of Flask's ``OFFSIDER`` (a dict of `App`'s keywords) when None.
        flask_app: The Flask application, when it is there already; else call `init_app` where it is made.

    Example:
        >>> from flask import Flask, current_app
        >>> jobs = App(editions=[])
        >>> @jobs.job
        ... def who() -> str:
        ...     return current_app.name
        >>> extension = Offsider(jobs, Flask("shop"))
        >>> who.inline()
        'shop'
    """

    def __init__(self, app: App | None = None, flask_app: Flask | None = None) -> None:
        if app is not None and not isinstance(app, App):
            raise ConfigError(f"Offsider({app!r}): expected an offsider App first; the Flask application comes second")
        self._app = app
        self._flask: Flask | None = None
        if app is not None:
            app.server_middleware.add(LINK, _Within(self), by="the Flask extension", first=True)
        if flask_app is not None:
            self.init_app(flask_app)

    @property
    def app(self) -> App:
        """The app with the jobs.

        Raises:
            ConfigError: Neither was one given, nor has `init_app` been called.
        """
        if self._app is None:
            raise ConfigError("Offsider() has no app yet: give it one, or call init_app(flask_app)")
        return self._app

    @property
    def flask_app(self) -> Flask:
        """The Flask application whose context jobs have.

        Raises:
            ConfigError: `init_app` has not been called.
        """
        if self._flask is None:
            raise ConfigError(
                "a job runs outside of any Flask application: call init_app(flask_app), in workers, too. Start them"
                " with `flask offsider worker`, which makes the application first"
            )
        return self._flask

    def init_app(self, flask_app: Flask) -> None:
        """Belong to a Flask application; the last one when there are several, as in tests."""
        if self._app is None:
            self._app = App(**flask_app.config.get("OFFSIDER", {}))
            self._app.server_middleware.add(LINK, _Within(self), by="the Flask extension", first=True)
        self._flask = flask_app
        flask_app.extensions["offsider"] = self
        flask_app.cli.add_command(_commands(self), "offsider")


class _Within(ServerMiddleware):
    """Around every run: the application's context."""

    def __init__(self, extension: Offsider) -> None:
        self._extension = extension

    def call(self, execution: Any, next: NextSync) -> Any:
        """Around a ``def`` job."""
        with self._extension.flask_app.app_context():
            return next(execution)

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        """Around an ``async def`` job."""
        with self._extension.flask_app.app_context():
            return await next(execution)


def _commands(extension: Offsider) -> click.Group:
    group = AppGroup("offsider", help="Background jobs.")

    # Flask's own `command` would push an application's context around the whole life of the worker.
    @click.command(short_help="Run the jobs.")
    @click.option("-q", "--queue", "queues", multiple=True, metavar="NAME[:WEIGHT]", help="A queue; repeatable.")
    @click.option("-c", "--concurrency", type=click.IntRange(1, 10_000), help="Jobs at once.")
    @click.option("-t", "--timeout", type=click.FloatRange(0), help="Seconds for running jobs at TERM.")
    @click.option("--log-level", type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False))
    @click.option("--log-format", type=click.Choice(["pretty", "json", "logfmt"]))
    @click.pass_context
    def worker(context: click.Context, /, **given: Any) -> None:
        """Run the jobs of this application until told to stop."""
        from flask.cli import ScriptInfo

        from .command import run_worker

        context.ensure_object(ScriptInfo).load_app()
        sys.exit(run_worker(extension.app, **given))

    group.add_command(worker)
    return group
