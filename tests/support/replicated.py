"""A master and its replica, real ones, and a link between them that can be cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from offsider.testing.proxy import Proxy

from .server import Server
from .waiting import until

AT_ONCE = ("--appendonly", "no", "--repl-diskless-sync-delay", "0")


class Replicated:
    """Two servers; the second has what the first has."""

    def __init__(self, folder: Path) -> None:
        self.master = Server(folder / "master", *AT_ONCE)
        self.replica = Server(folder / "replica", *AT_ONCE)

    def start(self) -> Replicated:
        """Start both, and wait until the replica has its copy."""
        self.master.start()
        self.replica.start()
        self._link = Proxy(self.master.url)
        client: Any = self.replica.client()
        client.replicaof("127.0.0.1", urlsplit(self._link.url).port)
        until(lambda: client.info("replication")["master_link_status"] == "up", 20, "the replica has its copy")
        client.close()
        until(self._is_online, 20, "the master knows that it has")
        return self

    def cut(self) -> None:
        """The master and its replica do not reach each other any more."""
        self._link.cut()

    def fail_over(self) -> None:
        """The master is lost, the replica takes over."""
        self.master.kill()
        client: Any = self.replica.client()
        client.replicaof("NO", "ONE")
        client.close()

    def stop(self) -> None:
        """End both; tolerates twice."""
        self._link.close()
        self.master.stop()
        self.replica.stop()

    def _is_online(self) -> bool:
        client: Any = self.master.client()
        try:
            return bool(client.info("replication").get("slave0", {}).get("state") == "online")
        finally:
            client.close()
