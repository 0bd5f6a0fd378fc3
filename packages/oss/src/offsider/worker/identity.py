"""Who this process is: host, pid, a nonce, and what the process list says of it."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import clock

if TYPE_CHECKING:
    from .capsule import Capsule


class Identity:
    """``<hostname>:<pid>:<12 hex>``, unique for one incarnation of one process.

    Example:
        >>> Identity(tag="shop", labels=["blue"]).name.count(":")
        2
    """

    def __init__(self, *, tag: str = "", labels: Sequence[str] = (), embedded: bool = False) -> None:
        self.hostname = os.environ.get("DYNO") or socket.gethostname()
        self.pid = os.getpid()
        self.name = f"{self.hostname}:{self.pid}:{secrets.token_hex(6)}"
        self.started_s = clock.now_s()
        self._tag = tag
        self._labels = list(labels)
        self._embedded = embedded

    def info(self, capsules: Mapping[str, Capsule]) -> dict[str, Any]:
        """What the process list shows, in the fields of every version of Sidekiq's pages since 7.0."""
        from .. import __version__

        weights = [dict(capsule.order.weights) for capsule in capsules.values()]
        return {
            "hostname": self.hostname,
            "started_at": self.started_s,
            "pid": self.pid,
            "tag": self._tag,
            "concurrency": sum(capsule.concurrency for capsule in capsules.values()),
            "capsules": {
                name: {
                    "concurrency": capsule.concurrency,
                    "mode": capsule.order.mode,
                    "weights": dict(capsule.order.weights),
                }
                for name, capsule in capsules.items()
            },
            "queues": list(dict.fromkeys(queue for one in weights for queue in one)),
            "weights": weights,
            "labels": self._labels,
            "identity": self.name,
            "version": f"offsider {__version__}",
            "embedded": self._embedded,
        }
