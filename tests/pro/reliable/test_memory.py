"""Kills for want of memory are counted where a process is: in its group, by both interfaces, in containers and out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from offsider import clock
from offsider_pro.reliable import memory as room
from offsider_pro.reliable.memory import WINDOW_S, Kills, rss_bytes

SECOND = "low 0\nhigh 0\nmax 4\noom 2\noom_kill {}\noom_group_kill 0\n"
FIRST = "oom_kill_disable 0\nunder_oom 0\noom_kill {}\n"
MACHINE = "nr_free_pages 1\noom_kill {}\n"


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose files are ours; the process is number 7, and strangers die of want on it."""
    monkeypatch.setattr(room, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(room, "PROC", tmp_path / "proc")
    write(tmp_path / "proc/vmstat", MACHINE, 100)
    return tmp_path


def write(path: Path, text: str, count: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.format(count), "ascii")


@pytest.mark.parametrize(
    ("groups", "own", "text", "others"),
    [
        ("0::/shop/worker", "shop/worker/memory.events", SECOND, ["memory.events", "shop/memory.events"]),
        ("0::/", "memory.events", SECOND, []),
        ("0::/not/to/be/seen", "memory.events", SECOND, []),
        (
            "9:name=systemd:/\n4:memory:/shop\n0::/",
            "memory/shop/memory.oom_control",
            FIRST,
            ["memory/memory.oom_control"],
        ),
        ("5:cpu,memory:/docker/abc", "memory/memory.oom_control", FIRST, []),
        ("4:memory:/", "memory/memory.oom_control", FIRST, []),
        ("3:cpu:/\n0::/", "../proc/vmstat", MACHINE, []),
        (None, "../proc/vmstat", MACHINE, []),
    ],
)
def test_the_count_is_that_of_the_group_of_the_process_and_no_strangers(
    system: Path, groups: str | None, own: str, text: str, others: list[str]
) -> None:
    if groups is not None:
        write(system / "proc/7/cgroup", f"{groups}\n")
    for other in others:
        write(system / "cgroup" / other, text, 3)
    path = system / "cgroup" / own
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path.resolve(), text, 5)
    kills = Kills(7)
    for other in others:
        write(system / "cgroup" / other, text, 4)
    if not own.endswith("vmstat"):
        write(system / "proc/vmstat", MACHINE, 101)
    assert not kills.lately()
    write(path.resolve(), text, 6)
    assert kills.lately()


def test_a_kill_is_of_a_few_seconds_only_however_often_it_is_looked_at(
    system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 1000.0
    monkeypatch.setattr(clock, "monotonic_s", lambda: now_s)
    write(system / "proc/7/cgroup", "0::/shop\n")
    write(system / "cgroup/shop/memory.events", SECOND, 1)
    kills = Kills(7)
    write(system / "cgroup/shop/memory.events", SECOND, 2)
    for _look in range(100):
        kills.note()
    now_s += WINDOW_S - 0.1
    assert kills.lately(), "the large need long to end"
    now_s += 0.2
    assert not kills.lately()


def test_where_the_kernel_does_not_count_nobody_was_killed_for_it(system: Path) -> None:
    (system / "proc/vmstat").write_text("nr_free_pages 1\n", "ascii")
    kills = Kills(7)
    kills.note()
    assert not kills.lately()


def test_a_process_has_memory_until_it_is_gone() -> None:
    assert rss_bytes(os.getpid()) > 1 << 20
    assert rss_bytes(1 << 23) == 0
