"""A master, its replica and a real Sentinel on loopback."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import redis

from .server import Server, free_port, program
from .waiting import until

MASTER = "shop"
DOWN_MS = 500


class Watched:
    """One master, one replica, and one Sentinel, which is enough to decide.

    Attributes:
        url: ``redis+sentinel://…``.
        master, replica: As they were at the start.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        at_once = ("--appendonly", "no", "--repl-diskless-sync-delay", "0")
        self.master = Server(folder / "master", *at_once)
        self.replica = Server(folder / "replica", *at_once)
        self.port = free_port()
        self.url = f"redis+sentinel://127.0.0.1:{self.port}/{MASTER}"
        self._sentinel: subprocess.Popen[bytes] | None = None

    def start(self) -> Watched:
        """Start all three, and wait until the Sentinel knows the replica."""
        self.master.start()
        self.replica.start()
        client: Any = self.replica.client()
        client.replicaof("127.0.0.1", self.master.port)
        until(lambda: client.info("replication")["master_link_status"] == "up", 20, "the replica has its copy")
        client.close()
        settings = self.folder / "sentinel.conf"
        settings.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {self.folder}\n"
            f"sentinel monitor {MASTER} 127.0.0.1 {self.master.port} 1\n"
            f"sentinel down-after-milliseconds {MASTER} {DOWN_MS}\n"
            f"sentinel failover-timeout {MASTER} 5000\n"
        )
        self._sentinel = subprocess.Popen([program(), str(settings), "--sentinel"], stdout=subprocess.DEVNULL)
        until(self._sees_the_replica, 30, "the Sentinel knows the replica")
        return self

    def stop(self) -> None:
        """End all; tolerates twice."""
        if self._sentinel is not None and self._sentinel.poll() is None:
            self._sentinel.kill()
            self._sentinel.wait()
        self.master.stop()
        self.replica.stop()

    def _sees_the_replica(self) -> bool:
        client: Any = redis.Redis(port=self.port, socket_timeout=2)
        try:
            return bool(int(client.execute_command("SENTINEL MASTER", MASTER)["num-slaves"]))
        except redis.ConnectionError:
            return False
        finally:
            client.close()
