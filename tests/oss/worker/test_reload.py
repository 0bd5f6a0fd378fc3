"""``--reload`` with real files: a change starts the worker anew, also after one that could not start."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from offsider import App
from offsider.errors import ConfigError
from offsider.worker.reload import run_reloading
from support.processes import Desk, Process
from support.waiting import until

JOBS = """
@app.job(name="paint")
def paint(word: str) -> None:
    say(f"{word} in COLOUR {os.getpid()}")
"""


@pytest.fixture
def watching() -> None:
    """Skip where what watches files is not installed."""
    pytest.importorskip("watchfiles")


@pytest.fixture
def enqueue(app: App) -> Callable[[str], object]:
    """Enqueue one job."""

    @app.job(name="paint")
    def paint(word: str) -> None:
        """It runs in the worker's process."""

    return paint.enqueue


def start(desk: Desk, *words: str) -> Process:
    """A worker that reloads, up and running."""
    desk.write(JOBS.replace("COLOUR", "red"))
    return desk.offsider("worker", "jobs:app", "--reload", *words).logs(" runs default (")


def colour(desk: Desk, word: str) -> list[str]:
    """The colour a job was painted in, and the process that did it."""
    until(lambda: any(line.startswith(f"{word} ") for line in desk.said), 40, word)
    (line,) = [line for line in desk.said if line.startswith(f"{word} ")]
    return line.split()[2:]


def is_alive(pid: int) -> bool:
    """True for a process that runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.usefixtures("watching")
def test_a_change_starts_the_worker_anew_with_the_new_code_and_the_same_words(
    desk: Desk, enqueue: Callable[[str], object]
) -> None:
    reloader = start(desk, "-q", "default", "-q", "low", "-c", "3")
    enqueue("first")
    red, first = colour(desk, "first")
    assert red == "red"
    (desk.folder / "notes.txt").write_text("no source", "utf-8")
    desk.write(JOBS.replace("COLOUR", "blue"))
    reloader.logs("jobs.py changed: the worker starts anew").logs(" runs default (3 at once): default, low", times=2)
    enqueue("second")
    blue, second = colour(desk, "second")
    assert blue == "blue"
    assert first != second
    assert not is_alive(int(first))
    assert "notes.txt" not in reloader.log
    reloader.tell("TERM")
    assert reloader.end() == 0
    assert not is_alive(int(second)), "the worker ends with it"
    assert "Traceback" not in reloader.log


@pytest.mark.usefixtures("watching")
def test_a_change_that_does_not_start_is_mended_by_the_next_one(desk: Desk, enqueue: Callable[[str], object]) -> None:
    reloader = start(desk)
    desk.write("def broken(:\n")
    reloader.logs("SyntaxError")
    assert reloader.popen.poll() is None
    desk.write(JOBS.replace("COLOUR", "green"))
    reloader.logs(" runs default (", times=2)
    enqueue("again")
    green, pid = colour(desk, "again")
    assert green == "green"
    reloader.tell("INT")
    assert reloader.end() == 0
    assert not is_alive(int(pid))


def test_without_watchfiles_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    with pytest.raises(ConfigError, match=r"pip install 'offsider\[reload\]'"):
        run_reloading([sys.executable, "-c", ""], Path(os.curdir))
