"""Tells systemd how we are (``Type=notify``). Without ``NOTIFY_SOCKET`` it does nothing."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Mapping

from .service import PeriodicService

log = logging.getLogger("offsider.worker")

LEAST_WATCHDOG_S = 1.0


def notify(state: str, env: Mapping[str, str] | None = None) -> bool:
    """Send ``READY=1``, ``STOPPING=1`` or ``WATCHDOG=1``; False when nobody listens."""
    address = (os.environ if env is None else env).get("NOTIFY_SOCKET")
    if not address:
        return False
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.connect(address)
            sock.sendall(state.encode())
    except OSError as error:
        log.warning("systemd does not hear us at NOTIFY_SOCKET (%s)", error)
        return False
    return True


def watchdog_s(env: Mapping[str, str] | None = None) -> float | None:
    """How often to call the watchdog: half of what systemd allows; None when it does not ask for it."""
    allowed = (os.environ if env is None else env).get("WATCHDOG_USEC")
    if not allowed or not allowed.isdigit():
        return None
    seconds = int(allowed) / 1_000_000
    if seconds < LEAST_WATCHDOG_S:
        log.warning("WATCHDOG_USEC=%s is under a second and is not served; set WatchdogSec=10 or more", allowed)
        return None
    return seconds / 2


class Watchdog(PeriodicService):
    """Calls systemd's watchdog while the worker is healthy: a deaf worker is restarted."""

    name = "watchdog"

    def __init__(self, healthy: Callable[[], bool], every_s: float) -> None:
        super().__init__()
        self._healthy = healthy
        self._every_s = every_s

    def tick(self) -> float:
        """One call, when all is well."""
        if self._healthy():
            notify("WATCHDOG=1")
        return self._every_s
