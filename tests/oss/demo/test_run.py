"""A run of the demo as a user starts it: to its end, interrupted, with workers killed, killed itself."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from offsider.demo import run
from offsider.demo.results import Results
from offsider.store.embedded import ensure
from support.waiting import until

FUNCTION = "def f{0}(a, b=(1, 2, 3)):\n    return [x + {0} for x in b if x > a]\n"
SLOW = "".join(FUNCTION.format(n) for n in range(250))  # some 15 ms to parse: a hundred of them can be interrupted
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """An empty source tree."""
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Where the demo keeps everything; not made yet."""
    return tmp_path / "data"


def free_edition() -> dict[str, str]:
    """The environment of a machine that has no settings, and none of the editions that may be installed here."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OFFSIDER_")}
    return {**kept, "OFFSIDER_EDITIONS": "oss"}


@pytest.fixture
def start(source: Path, data: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts the demo on the tree; what a test leaves running is killed."""
    made: list[subprocess.Popen[str]] = []
    environment = free_edition()

    def begin(*options: str) -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "offsider", "demo", str(source), "--data-dir", str(data), "-c", "4", *options]
        made.append(subprocess.Popen(words, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True))
        return made[-1]

    yield begin
    for process in made:
        if process.poll() is None:
            process.kill()
        process.communicate()
    for pid in worker_pids(data):
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)


def fill(source: Path, files: int, content: str = SLOW) -> None:
    """So many files in ten folders."""
    for n in range(files):
        (source / f"p{n % 10}").mkdir(exist_ok=True)
        (source / f"p{n % 10}/m{n}.py").write_text(content, "utf-8")


def log(data: Path) -> str:
    """The worker's log."""
    path = data / "worker.log"
    return path.read_text("utf-8") if path.exists() else ""


def worker_pids(data: Path) -> list[int]:
    """The processes that ran as workers, in order."""
    return [int(pid) for pid in re.findall(r"worker [^ ]+:(\d+):[0-9a-f]{12} runs", log(data))]


def is_alive(pid: int) -> bool:
    """True for a process that runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def times_done(data: Path) -> Counter[str]:
    """How often each job was done, by its id."""
    return Counter(re.findall(r"INFO +done +job=\w+ jid=([0-9a-f]{24})", log(data)))


def until_done(data: Path, count: int) -> None:
    """Wait until so many jobs have their result; the worker's log is in the failure."""
    try:
        until(lambda: done_so_far(data) >= count, 40)
    except AssertionError as error:
        raise AssertionError(f"{count} jobs are not done; the worker's last words:\n{log(data)[-3000:]}") from error


def done_so_far(data: Path) -> int:
    """How many jobs have their result."""
    return Results(data / "results.db").counts().done if (data / "results.db").exists() else 0


def end(demo: subprocess.Popen[str], timeout_s: float = 60) -> str:
    """Wait for its end; what it said."""
    said, _nothing = demo.communicate(timeout=timeout_s)
    return said


def nothing_runs(data: Path) -> bool:
    """True when neither a worker nor the server of this folder is left."""
    if any(is_alive(pid) for pid in worker_pids(data)):
        return False
    server = ensure(data)
    server.close()
    return server.started


# -- to the end ----------------------------------------------------------------------------------------------------


def test_everything_ends_the_dead_are_listed_with_their_reason_and_nothing_is_repeated(
    source: Path, data: Path, start: Start
) -> None:
    fill(source, 20, "def f():\n    return 1\n")
    (source / "bad.py").write_text("def f(:\n", "utf-8")
    (source / "nul.py").write_bytes(b"x = 1\0\n")
    first = start()
    said = end(first)
    assert first.returncode == 0
    assert "33 jobs, one for each Python file and folder." in said
    assert "33 of 33 jobs ended, 2 retried, 2 dead" in said
    assert "33 jobs ran in" in said
    dead = {words[0].rpartition("/")[2]: words[1:] for line in said.splitlines() if (words := line.split())[2:]}
    assert dead["bad.py"][:2] == ["3", "SyntaxError:"]
    assert dead["nul.py"][0] == "3"
    assert "\x1b" not in said, "a file gets plain text"
    counts = Results(data / "results.db").counts()
    assert (counts.total, counts.done, counts.dead) == (33, 31, 2)
    assert nothing_runs(data)

    (source / "p0/new.py").write_text("x = 1\n", "utf-8")
    again = end(start("--plain"))
    assert "33 have ended in an earlier run and are not repeated, 2 are new." in again, "the file and its folder"
    assert "2 jobs ran in" in again
    assert set(times_done(data).values()) == {1}
    assert len(times_done(data)) == 33


def test_a_terminal_gets_a_bar(source: Path, data: Path, tmp_path: Path) -> None:
    pytest.importorskip("rich")
    import pty

    fill(source, 3, "x = 1\n")
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "offsider", "demo", str(source), "--data-dir", str(data)]
    demo = subprocess.Popen(
        words, stdout=theirs, env={**free_edition(), "TERM": "xterm", "COLUMNS": "120"}, cwd=tmp_path
    )
    os.close(theirs)
    said = b""
    try:
        while part := os.read(ours, 65_536):
            said += part
    except OSError:  # the terminal is closed with its last user
        pass
    os.close(ours)
    assert demo.wait(30) == 0
    assert "7/7" in said.decode("utf-8")
    assert "━━━" in said.decode("utf-8")


# -- interruptions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["int", "term"])
def test_an_interrupted_run_goes_on_where_it_was_and_nothing_is_lost_or_repeated(
    number: signal.Signals, source: Path, data: Path, start: Start
) -> None:
    fill(source, 70)
    first = start("--plain")
    until_done(data, 20)
    first.send_signal(number)
    said = end(first)
    assert first.returncode == 130
    ended = int(re.search(r"Interrupted: (\d+) of 81 jobs ended\. Start it again to go on\.", said).group(1))  # type: ignore[union-attr]
    assert 20 <= ended < 81
    assert nothing_runs(data)
    second = end(start("--plain"))
    assert f"{ended} have ended in an earlier run and are not repeated, 0 are new." in second
    assert f"{81 - ended} jobs ran in" in second
    assert set(times_done(data).values()) == {1}
    assert len(times_done(data)) == 81


def test_a_killed_worker_is_replaced_and_its_jobs_run_again(source: Path, data: Path, start: Start) -> None:
    fill(source, 60)
    (source / "bad.py").write_text("def f(:\n", "utf-8")
    demo = start("--plain")
    until_done(data, 10)
    os.kill(worker_pids(data)[0], signal.SIGKILL)
    said = end(demo)
    assert demo.returncode == 0
    assert "The worker ended with -9. Another one takes over" in said
    assert len(worker_pids(data)) == 2
    counts = Results(data / "results.db").counts()
    assert (counts.total, counts.done, counts.dead) == (72, 71, 1), "those it had in hand have ended, too"
    assert nothing_runs(data)


def test_a_killed_demo_leaves_nothing_running_and_goes_on(source: Path, data: Path, start: Start) -> None:
    fill(source, 60)
    first = start("--plain")
    until_done(data, 10)
    first.kill()
    first.wait()
    until(lambda: nothing_runs(data), 15, "its worker and its server have ended")
    second = start("--plain")
    assert "are not repeated" in end(second)
    assert second.returncode == 0
    counts = Results(data / "results.db").counts()
    assert (counts.total, counts.done) == (71, 71)


# -- beginning anew ------------------------------------------------------------------------------------------------


def test_fresh_forgets_an_earlier_run(data: Path) -> None:
    data.mkdir()
    Results(data / "results.db").note_enqueued([("file", "a.py", 1)])
    run.fresh(data)
    assert not data.exists()
    run.fresh(data)


def test_fresh_removes_no_folder_of_somebody_else(data: Path) -> None:
    data.mkdir()
    (data / "thesis.tex").touch()
    with pytest.raises(run.DemoError, match="not a folder of this demo; nothing was removed"):
        run.fresh(data)
    assert (data / "thesis.tex").exists()


def test_fresh_waits_for_the_end_of_another_run(data: Path) -> None:
    server = ensure(data)
    with pytest.raises(run.DemoError, match="another run uses"):
        run.fresh(data)
    assert data.exists()
    server.close()


@pytest.mark.parametrize(
    "name", ['with "quotes"', "back\\slash", "ünï çødé 任", "a = 1 # b", "new\nline", "tab\tand\x01"],
    ids=["quotes", "backslash", "unicode", "toml", "newline", "control"],
)  # fmt: skip
def test_any_folder_can_be_written_into_the_settings(name: str) -> None:
    settings = tomllib.loads(run.SETTINGS.format(folder=run._quoted(name)))
    assert settings["redis"]["data_dir"] == name
