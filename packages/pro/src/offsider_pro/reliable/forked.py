"""What a process does that was forked for one job: imports the app where it has none, and runs the job."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from offsider import App

from .alone import run_alone

log = logging.getLogger("offsider.pro")

PR_SET_PDEATHSIG = 1


def imported(order: dict[str, Any]) -> App:
    """The app, as this process has it; ``order`` says where.

    Raises:
        LookupError: It is not the worker's.
    """
    found = getattr(importlib.import_module(order["module"]), order["name"], None)
    if not isinstance(found, App):
        raise LookupError(f"{order['module']}:{order['name']} is no app when it is imported in another process")
    for module in order["modules"]:
        importlib.import_module(module)
    for shard, settings in found.settings.shards.items():
        if settings.namespace == order["namespace"] != found.keys.namespace:
            found.serve(shard)
            break
    if (found.keys.namespace, found.connections.url) != (order["namespace"], order["url"]):
        raise LookupError(f"{order['module']}:{order['name']} has another Redis when it is imported in another process")
    return found


def attempted(load: Callable[[], App], words: dict[str, Any], begin: Callable[[], None]) -> dict[str, Any]:
    """What became of the job; that it could not begin, without Redis for example, is not its fault."""
    name = words["name"]
    try:
        app = load()
    except BaseException as error:  # noqa: BLE001 - whatever a module does when it is imported
        return refused(error)
    if name not in app.jobs:
        return {"unknown": f"no job is registered under {name!r} when the app is imported"}
    try:
        return run_alone(app, words, begin)
    except Exception as error:
        log.exception("a process of its own for job %s could not begin", name)
        return {"why": f"{type(error).__name__}: {error}"}


def refused(error: BaseException) -> dict[str, Any]:
    """The app cannot be had here."""
    log.debug("the app cannot be imported to run suspects alone", exc_info=error)
    return {"refused": f"{type(error).__name__}: {error}"}


def die_with(isolator: int) -> None:
    """This process ends when the isolator does, and is the first to be killed when memory runs out."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != isolator:
            os._exit(1)
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000", "ascii")
