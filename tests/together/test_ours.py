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
from offsider.contract.edition import Edition
from offsider.worker.worker import Worker
from offsider_enterprise import EnterpriseEdition
from offsider_pro import ProEdition
from support.processes import Desk
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


def look(
    editions: str | None, cwd: Path, license: str | None = "evaluation"
) -> tuple[subprocess.CompletedProcess[str], list[list[str]]]:
    """What an app finds in a process of its own: names of editions, and which of their packages are imported."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OFFSIDER_")}
    if editions is not None:
        environment["OFFSIDER_EDITIONS"] = editions
    if license is not None:
        environment["OFFSIDER_LICENSE"] = license
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
    assert [one.name for one in App(editions=[EnterpriseEdition("evaluation"), ProEdition("evaluation")]).editions] == [
        "pro",
        "enterprise",
    ]
    monkeypatch.setenv("OFFSIDER_EDITIONS", "enterprise")
    assert [one.name for one in App(editions=[ProEdition("evaluation")]).editions] == ["pro"]


def ours() -> list[Edition]:
    """Every edition of ours."""
    return [ProEdition("evaluation"), EnterpriseEdition("evaluation")]


@pytest.mark.parametrize("producer", [list, ours], ids=["alone", "all"])
@pytest.mark.parametrize("consumer", [list, ours], ids=["alone", "all"])
def test_processes_with_and_without_editions_share_their_queues(
    producer: Callable[[], list[Edition]],
    consumer: Callable[[], list[Edition]],
    make_app: Make,
    start_worker: Start,
    raw: redis.Redis,
) -> None:
    ran = threading.Event()
    sent: list[int] = []

    def work(n: int) -> None:
        sent.append(n)
        ran.set()

    job = make_app(editions=producer()).job(name="work")(work)
    working = make_app(editions=consumer())
    working.job(name="work")(work)
    worker = start_worker(working)
    job.enqueue(7)
    assert ran.wait(10)
    assert sent == [7]
    until(lambda: not raw.exists(f"{{offsider}}:inflight:{worker.identity}/default/1"))


def test_a_worker_with_all_of_them_signs_off_and_leaves_nothing(
    make_app: Make, start_worker: Start, raw: redis.Redis
) -> None:
    worker = start_worker(make_app(editions=ours()))
    until(lambda: raw.scard("{offsider}:processes") == 1)
    assert raw.hget(f"{{offsider}}:{worker.identity}", "license") == b"evaluation"
    worker.stop()
    for kept in ("leader", "unique-turn"):  # the number of the last term, and when locks were looked at last
        raw.delete(f"{{offsider}}:{kept}")
    assert [key for key in raw.keys("*") if b"bell" not in key] == []


# -- licences ------------------------------------------------------------------------------------------------------


def test_a_process_that_asks_for_them_without_a_licence_does_not_start(tmp_path: Path) -> None:
    run, _found = look(None, tmp_path, license=None)
    assert run.returncode != 0
    assert "LicenseRefused: the edition 'pro' does not start: there is no licence." in run.stderr
    assert f"{tmp_path}/offsider.license: not there" in run.stderr
    assert run.stdout == ""


@pytest.mark.parametrize("license", [None, "a.b.c"])
def test_the_free_edition_is_not_touched_by_a_licence_that_is_missing_or_bad(
    license: str | None, tmp_path: Path
) -> None:
    (tmp_path / "offsider.license").write_text("not a licence", "utf-8")
    run, found = look("oss", tmp_path, license=license)
    assert (run.returncode, found, run.stderr) == (0, [[], []], "")


def test_one_line_is_said_of_a_licence_that_two_editions_share(tmp_path: Path) -> None:
    run, found = look(None, tmp_path)
    assert found[0] == ["pro", "enterprise"]
    assert run.stderr.count("evaluation licence: not for production") == 1


@pytest.mark.parametrize("license", ["", "a.b.c", "/etc/hostname"], ids=["none", "damaged", "a path"])
def test_a_worker_that_is_refused_ends_with_one_line_and_code_2(license: str, desk: Desk) -> None:
    (desk.folder / "all.py").write_text("from offsider import App\napp = App()\n", "utf-8")
    process = desk.offsider("worker", "all:app", OFFSIDER_LICENSE=license, HOME=str(desk.folder))
    assert process.end() == 2
    assert process.log.startswith("LicenseRefused: the edition 'pro' does not start: ")
    assert process.log.count("\n") == 1
    assert "a.b.c" not in process.log


def test_a_worker_says_in_its_own_log_that_it_runs_with_the_evaluation_licence(desk: Desk) -> None:
    (desk.folder / "all.py").write_text("from offsider import App\napp = App()\n", "utf-8")
    said = "evaluation licence: not for production"
    process = desk.offsider("worker", "all:app", "--log-format", "json", OFFSIDER_LICENSE="evaluation").logs(said)
    process.logs(" runs default (").tell("TERM")
    assert process.end() == 0
    lines = [json.loads(line) for line in process.log.splitlines()]
    assert [line["level"] for line in lines if said in line["msg"]] == ["WARNING"]
