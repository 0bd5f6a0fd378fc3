"""``--reload``: runs the worker in a child process and starts it anew when a source file changes."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import ConfigError

log = logging.getLogger("offsider.worker")


def run_reloading(command: Sequence[str], folder: Path) -> int:
    """Run ``command`` until it is interrupted, again after each change of a ``.py`` file below ``folder``.

    Raises:
        ConfigError: watchfiles is not installed.
    """
    try:
        from watchfiles import PythonFilter, watch
    except ImportError:
        raise ConfigError("--reload needs watchfiles: pip install 'offsider[reload]'") from None
    child = subprocess.Popen(command)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        for changes in watch(folder, watch_filter=PythonFilter(), raise_interrupt=False):
            log.info("%s changed: the worker starts anew", ", ".join(sorted({Path(path).name for _, path in changes})))
            _stop(child)
            child = subprocess.Popen(command)
    finally:
        _stop(child)
    return 0


def _stop(child: subprocess.Popen[bytes]) -> None:
    child.send_signal(signal.SIGTERM)
    child.wait()
