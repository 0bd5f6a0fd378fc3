"""``offsider web MODULE:APP``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..errors import ConfigError
from .target import find_app

if TYPE_CHECKING:
    from ..app import App


@click.command(short_help="Serve the web pages.")
@click.argument("target", required=False, metavar="[MODULE:APP]")
@click.option("--host", help="Where to listen; loopback when not given.")
@click.option("--port", type=click.IntRange(0, 65_535), help="0 takes a free one.")
@click.option("--user", help="Who may come in; the password is read from OFFSIDER_WEB_PASSWORD or the settings.")
@click.option("--title", help="Beside the name on every page, e.g. staging.")
@click.option("--prefix", default="", help="The path under which a proxy shows the pages, e.g. /jobs.")
@click.option("--config", type=click.Path(dir_okay=False), help="The settings file.")
def web(target: str | None, prefix: str, config: str | None, **given: Any) -> None:
    """Serve the web pages of the app APP in the module MODULE; without one, of the Redis that the settings name.

    Off loopback it needs a password: set OFFSIDER_WEB_PASSWORD.
    """
    from ..app import App

    chosen = {name: value for name, value in given.items() if value is not None}
    app = find_app(target, config=config, web=chosen) if target else App(config=config, web=chosen)
    try:
        serve(app, prefix)
    finally:
        app.close()


def serve(app: App, prefix: str = "") -> None:
    """Serve until told to stop.

    Raises:
        ConfigError: It would be open to other machines without a password, the prefix is no path, or the packages are
            not installed.
    """
    try:
        import uvicorn

        from ..web.app import web as pages
        from ..web.doorkeeper import HOW, is_loopback
    except ImportError as error:
        raise ConfigError(
            f"offsider web needs packages that are not here ({error}): pip install 'offsider[web]'"
        ) from None
    settings = app.settings.web
    if prefix.strip("/") and (prefix[0] != "/" or prefix[1] == "/"):
        raise ConfigError(f"--prefix is {prefix!r}: expected a path that begins with one slash, e.g. /jobs")
    if not is_loopback(settings.host) and not settings.password:
        raise ConfigError(f"web.host is {settings.host!r}, which other machines reach, and there is no password. {HOW}")
    site = pages(app)
    server = uvicorn.Server(
        uvicorn.Config(
            site, host=settings.host, port=settings.port, root_path=prefix.rstrip("/"), log_level="warning",
            server_header=False, proxy_headers=False, lifespan="off", timeout_graceful_shutdown=5,
        )
    )  # fmt: skip
    _announce(server, settings.host)
    server.run()


def _announce(server: Any, host: str) -> None:
    """Say where, once it listens: with port 0 it is not known before."""
    start = server.startup

    async def startup(*arguments: Any, **more: Any) -> None:
        await start(*arguments, **more)
        for one in server.servers:
            for socket in one.sockets:
                port = socket.getsockname()[1]
                click.echo(f"Offsider's pages: http://{f'[{host}]' if ':' in host else host}:{port}/  (Ctrl-C ends)")

    server.startup = startup
