"""Every registration of unique jobs, by the door through which it comes in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..encryption.install import codec_of
from .begin import BeginUnique
from .effect import NAME, UniqueLock
from .invariant import UniqueInvariant
from .option import OPTIONS
from .reason import reason
from .scripts import all_scripts
from .stamp import StampUnique

if TYPE_CHECKING:
    from offsider import App
    from offsider.web.web import Web
    from offsider.worker.worker import Worker

LINK = "enterprise.unique"


def install(app: App, by: str) -> None:
    """In every process."""
    for option in OPTIONS:
        app.job_options.add(option.name, option, by=by)
    for script in all_scripts():
        app.scripts.add(script.name, script, by=by)
    lock = UniqueLock()
    app.effects.add(NAME, lock, by=by)
    stamp = StampUnique(app, lambda data: codec_of(app).keyed_digest(data))
    app.client_middleware.add(LINK, stamp, by=by)
    app.server_middleware.add(LINK, BeginUnique(app, lock), by=by)
    app.reasons.add(LINK, reason, by=by)
    app.invariants.add(LINK, UniqueInvariant(), by=by)


def install_worker(worker: Worker, by: str) -> None:
    """In a worker: the locks are held against the jobs."""
    from .check_service import LockCheck

    settings: Any = worker.app.settings
    worker.services.add(LINK, LockCheck(worker, settings.enterprise.unique.check_s), by=by)


def install_web(web: Web, by: str) -> None:
    """In a web process: a page of locks, and a row on the page of a job."""
    from . import page

    page.install(web, by)


def install_cli(cli: Any, by: str) -> None:
    """On the command line."""
    from .command import unique

    cli.commands.add(str(unique.name), unique, by=by)
