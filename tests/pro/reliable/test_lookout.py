"""A process is looked at from another one: it lives, it is stopped, it is gone, and how that came."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator

import pytest

from offsider_pro.reliable import lookout as room
from offsider_pro.reliable.lookout import Lookout
from offsider_pro.reliable.memory import Kills
from support.waiting import until

WAITS = "import sys; sys.stdin.read(); "


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    made: list[subprocess.Popen[bytes]] = []
    yield made
    for process in made:
        process.kill()
        process.wait()


def start(started: list[subprocess.Popen[bytes]], then: str = "") -> tuple[subprocess.Popen[bytes], Lookout]:
    """A process that does that once its input is closed."""
    process = subprocess.Popen([sys.executable, "-c", f"import os; {WAITS}{then}"], stdin=subprocess.PIPE)
    started.append(process)
    return process, Lookout(process.pid)


def go(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()


@pytest.mark.parametrize(
    ("then", "cause"),
    [
        ("os.kill(os.getpid(), 9)", "killed by SIGKILL"),
        ("os.kill(os.getpid(), 11)", "killed by SIGSEGV"),
        ("os._exit(3)", "ended itself with exit code 3"),
        ("", "ended itself with exit code 0"),
    ],
)
def test_it_is_seen_at_once_that_a_process_is_gone_and_how(
    started: list[subprocess.Popen[bytes]], then: str, cause: str
) -> None:
    process, lookout = start(started, then)
    assert not lookout.is_gone()
    go(process)
    ready, _, _ = select.select(lookout.fds, [], [], 20)
    assert ready
    assert lookout.is_gone()
    assert str(lookout.cause()) == cause, "while its parent has not looked at it"
    lookout.close()
    lookout.close()


def test_who_was_looked_at_by_its_parent_is_told_by_a_new_kernel_and_called_unknown_by_an_old_one(
    started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    process, lookout = start(started, "os._exit(3)")
    go(process)
    process.wait()
    assert str(lookout.cause()) in ("ended itself with exit code 3", str(room.Cause.of_unknown()))
    monkeypatch.setattr(room, "_told", lambda _pidfd: None)
    assert lookout.cause().kind == "unknown"
    monkeypatch.setattr(Kills, "lately", lambda _self: True)
    assert lookout.cause().kind == "memory"


def test_a_stopped_process_is_seen_and_lives(started: list[subprocess.Popen[bytes]]) -> None:
    process, lookout = start(started)
    assert not lookout.is_stopped()
    process.send_signal(19)
    until(lookout.is_stopped, 10)
    assert not lookout.is_gone()
    process.send_signal(18)
    until(lambda: not lookout.is_stopped(), 10)


def test_where_the_system_has_no_such_handles_less_is_said_and_nothing_wrong(
    started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_pidfd", lambda _pid: None)
    monkeypatch.setattr(room, "_opened", lambda _path: None)
    process, lookout = start(started)
    assert (lookout.is_gone(), lookout.is_stopped(), lookout.knows_stops, lookout.fds) == (False, False, False, [])
    ours = Lookout(os.getppid(), child_of=os.getppid())
    assert not ours.is_gone()
    assert Lookout(os.getppid(), child_of=1 << 22).is_gone()
    go(process)
    process.wait()
    assert lookout.is_gone()
    assert lookout.cause().kind == "unknown"
