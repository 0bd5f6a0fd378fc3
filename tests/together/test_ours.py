"""The editions that are installed here, side by side: all, some, none, chosen in code and from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import redis

from offsider import App
from offsider.worker.worker import Worker
from offsider_enterprise import EnterpriseEdition
from offsider_pro import ProEdition
from support.waiting import until

Make = Callable[..., App]
Start = Callable[..., Worker]

LOOK = """
import json, sys
from offsider import App
app = App("redis://localhost:1/0")
packages = sorted(name for name in sys.modules if name.startswith("offsider_"))
print(json.dumps([[edition.name for edition in app.editions], packages]))
"""


def look(editions: str | None, cwd: Path) -> tuple[subprocess.CompletedProcess[str], list[list[str]]]:
    """What an app finds in a process of its own: names of editions, and which of their packages are imported."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OFFSIDER_")}
    if editions is not None:
        environment["OFFSIDER_EDITIONS"] = editions
    run = subprocess.run(
        [sys.executable, "-c", LOOK], env=environment, cwd=cwd, capture_output=True, text=True, timeout=30
    )
    return run, json.loads(run.stdout) if run.returncode == 0 else []


def test_every_installed_edition_comes_in_by_itself_and_what_is_needed_comes_first(tmp_path: Path) -> None:
    assert {point.name for point in entry_points(group="offsider.editions")} == {"pro", "enterprise"}
    run, found = look(None, tmp_path)
    assert run.returncode == 0, run.stderr
    assert found[0] == ["pro", "enterprise"]


@pytest.mark.parametrize("chosen", ["oss", "", " oss , "])
def test_the_environment_can_leave_all_out_and_nothing_of_them_is_imported(chosen: str, tmp_path: Path) -> None:
    run, found = look(chosen, tmp_path)
    assert run.returncode == 0, run.stderr
    assert found == [[], []]


def test_the_environment_can_choose_one(tmp_path: Path) -> None:
    _run, found = look("pro", tmp_path)
    assert found[0] == ["pro"]
    assert not any(name.startswith("offsider_enterprise") for name in found[1])


def test_one_without_what_it_needs_is_told_what_to_install(tmp_path: Path) -> None:
    run, _found = look("enterprise", tmp_path)
    assert "the edition 'enterprise' needs pro" in run.stderr
    assert "pip install" in run.stderr


def test_a_misspelt_one_is_named_with_the_nearest(tmp_path: Path) -> None:
    run, _found = look("enterprize", tmp_path)
    assert "'enterprize', which is not installed here. Did you mean 'enterprise'?" in run.stderr


def test_an_explicit_list_holds_whatever_is_installed_or_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert App(editions=[]).editions == []
    assert [one.name for one in App(editions=[EnterpriseEdition(), ProEdition()]).editions] == ["pro", "enterprise"]
    monkeypatch.setenv("OFFSIDER_EDITIONS", "enterprise")
    assert [one.name for one in App(editions=[ProEdition()]).editions] == ["pro"]


@pytest.mark.parametrize("producer", [[], None], ids=["alone", "all"])
@pytest.mark.parametrize("consumer", [[], None], ids=["alone", "all"])
def test_processes_with_and_without_editions_share_their_queues(
    producer: list[object] | None,
    consumer: list[object] | None,
    make_app: Make,
    start_worker: Start,
    raw: redis.Redis,
) -> None:
    ran = threading.Event()
    sent: list[int] = []

    def work(n: int) -> None:
        sent.append(n)
        ran.set()

    job = make_app(editions=producer).job(name="work")(work)
    working = make_app(editions=consumer)
    working.job(name="work")(work)
    worker = start_worker(working)
    job.enqueue(7)
    assert ran.wait(10)
    assert sent == [7]
    until(lambda: not raw.exists(f"{{offsider}}:inflight:{worker.identity}/default/1"))


def test_a_worker_with_all_of_them_signs_off_and_leaves_nothing(
    make_app: Make, start_worker: Start, raw: redis.Redis
) -> None:
    worker = start_worker(make_app(editions=None))
    until(lambda: raw.scard("{offsider}:processes") == 1)
    worker.stop()
    assert [key for key in raw.keys("*") if b"bell" not in key] == []
