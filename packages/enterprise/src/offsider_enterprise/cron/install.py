"""What the crontab registers; what it does for one app is in `offsider_enterprise.parts`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .cron_check import NAME, cron_check
from .invariant import CronInvariant

if TYPE_CHECKING:
    from offsider import App
    from offsider.web.web import Web


def install(app: App, by: str) -> None:
    """In every process: what the doctor says of it, and what must hold."""
    app.checks.add(NAME, cron_check, by=by)
    app.invariants.add("enterprise.cron", CronInvariant(), by=by)


def install_web(web: Web, by: str) -> None:
    """In a web process: its pages, and a row on the page of a job."""
    from . import page

    page.install(web, by)


def install_cli(cli: Any, by: str) -> None:
    """On the command line."""
    from .commands import cron

    cli.commands.add(str(cron.name), cron, by=by)
