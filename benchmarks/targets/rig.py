"""A server and real worker processes to measure: started, watched by /proc, stopped by their own pid."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from support.server import Server

HERE = Path(__file__).parent
TICKS = os.sysconf("SC_CLK_TCK")


class Rig:
    """One server, its keys, and workers of `jobs.app` as users start them."""

    def __init__(self, server: Server, app: Any) -> None:
        self.server = server
        self.app = app
        self.redis: Any = redis.Redis.from_url(server.url)

    def empty(self) -> None:
        """Nothing in Redis, the scripts included, but what workers load anew."""
        self.redis.flushall()

    @contextmanager
    def worker(self, *words: str, cores: Sequence[int] = ()) -> Iterator[int]:
        """A worker process that is ready; its pid."""
        process = self._spawn(words, cores)
        try:
            until(lambda: self.redis.scard(self.app.keys.processes) or process.poll() is not None)
            if process.poll() is not None:
                raise SystemExit(f"the worker ended with {process.returncode}")
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)

    def boot_s(self) -> float:
        """From starting the command to the first line of a job that waits."""
        self.empty()
        self.app.jobs["stamp"].enqueue()
        before_ns = time.monotonic_ns()
        process = self._spawn((), ())
        _key, started_ns = self.redis.blpop("stamps", 30)
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        return (int(started_ns) - before_ns) / 1e9

    def drained(self, queues: Sequence[str] = ("default",)) -> bool:
        """Nothing waits and nothing is in flight."""
        keys = [self.app.keys.queue(name) for name in queues]
        keys += [self.app.keys.inflight(owner.decode()) for owner in self.redis.zrange(self.app.keys.owners, 0, -1)]
        return not self.redis.exists(*keys)

    def requests(self, seconds: float) -> float:
        """Commands a second that clients sent, those inside scripts not counted."""
        said, end_s = b"", time.monotonic() + seconds
        with socket.create_connection(("127.0.0.1", self.server.port)) as monitor:
            monitor.sendall(b"MONITOR\r\n")
            while (left_s := end_s - time.monotonic()) > 0:
                monitor.settimeout(left_s)
                with contextlib.suppress(TimeoutError):
                    said += monitor.recv(65_536)
        lines = said.splitlines()[1:]  # the first one is Redis' OK
        return sum(b" lua] " not in line for line in lines) / seconds

    def _spawn(self, words: Sequence[str], cores: Sequence[int]) -> subprocess.Popen[bytes]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OFFSIDER_")}
        environment |= {"OFFSIDER_REDIS_URL": self.server.url, "OFFSIDER_WORKER_LOG_LEVEL": "ERROR"}
        process = subprocess.Popen(
            [sys.executable, "-m", "offsider", "worker", "jobs:app", *words], cwd=HERE, env=environment
        )
        if cores:
            os.sched_setaffinity(process.pid, cores)
        return process


@contextmanager
def rig() -> Iterator[Rig]:
    """A rig on a server of its own that keeps nothing on disk."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), "--appendonly", "no").start()
        os.environ["OFFSIDER_REDIS_URL"] = server.url
        import jobs  # now that it knows where Redis is

        try:
            yield Rig(server, jobs.app)
        finally:
            jobs.app.close()
            server.stop()


def until(true: Callable[[], object], timeout_s: float = 120.0, every_s: float = 0.005) -> None:
    """Wait; measurements that do not come to an end say so."""
    end_s = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > end_s:
            raise SystemExit("a measurement did not come to its end")
        time.sleep(every_s)


def cpu_s(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_mb(pid: int) -> float:
    """Resident memory now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
