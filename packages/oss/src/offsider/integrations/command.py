"""The worker as a command of a framework: the same options, the same process as ``offsider worker``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..worker.logs import configure
from ..worker.signals import run
from ..worker.worker import Worker

if TYPE_CHECKING:
    from ..app import App


def run_worker(
    app: App,
    *,
    queues: Sequence[str] | None = None,
    concurrency: int | None = None,
    timeout: float | None = None,
    log_level: str | None = None,
    log_format: str | None = None,
) -> int:
    """Run an app's jobs until the process is told to stop; signals are those of ``offsider worker``.

    Args:
        app: The app.
        queues: Queue names; the settings' when there are none.
        concurrency: Jobs at once.
        timeout: Seconds for running jobs at TERM.
        log_level, log_format: Of our own loggers.

    Returns:
        The exit code.
    """
    given = {"shutdown_timeout_s": timeout, "log_level": log_level and log_level.upper(), "log_format": log_format}
    given = {name: value for name, value in given.items() if value is not None}
    if given:
        app.override(worker=given)
    configure(app.settings.worker.log_level, app.settings.worker.log_format)
    return run(Worker(app, queues=queues or None, concurrency=concurrency))
