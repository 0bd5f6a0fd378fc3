"""The plug-in for pytest, in a pytest of its own: fixture, marker, setting, and what is said when one is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

JOBS = """
from offsider import App

app = App("redis://127.0.0.1:1/0", editions=[])
ran = []

@app.job(name="welcome", queue="mail")
def welcome(user: str) -> None:
    ran.append(user)
"""
TESTS = """
import pytest
from offsider.testing import assert_enqueued
from shop import app, ran, welcome

def test_jobs_are_kept(jobs):
    welcome.enqueue("Ada")
    assert_enqueued(welcome, "Ada", queue="mail")
    assert len(jobs) == 1
    jobs.drain()
    assert ran.pop() == "Ada"

@pytest.mark.offsider(mode="inline")
def test_jobs_run_at_once():
    welcome.enqueue("Grace")
    assert ran.pop() == "Grace"

@pytest.mark.offsider
def test_the_marker_alone_is_fake():
    welcome.enqueue("Ada")
    assert not ran

@pytest.mark.offsider(mode="inline")
class TestMany:
    async_ = 1
    def test_one(self, jobs):
        welcome.enqueue("Ada")
        assert ran.pop() == "Ada"
        assert [one.kind for one in jobs.ran] == ["done"]

def test_without_the_plugin_nothing_changes():
    assert type(app.pusher).__name__ == "Dispatch"
"""
SOURCE = Path(__file__).parents[3] / "packages/oss"


def run(folder: Path, tests: str, settings: str = "offsider_app = shop:app") -> subprocess.CompletedProcess[str]:
    """Run tests in a pytest of their own that has this plug-in and no other."""
    (folder / "shop.py").write_text(JOBS, "utf-8")
    (folder / "test_shop.py").write_text(tests, "utf-8")
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = .\naddopts = --strict-markers\n{settings}\n", "utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "offsider.testing.plugin", "-p", "no:cacheprovider", "-q"]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


def test_the_fixture_and_the_marker(tmp_path: Path) -> None:
    done = run(tmp_path, TESTS)
    assert "5 passed" in done.stdout, done.stdout


def test_a_fixture_of_ones_own_gives_the_app(tmp_path: Path) -> None:
    own = "import pytest, shop\n@pytest.fixture\ndef offsider_app():\n    return shop.app\n"
    (tmp_path / "conftest.py").write_text(own, "utf-8")
    done = run(tmp_path, "def test_it(jobs):\n    assert jobs.kind == 'fake'\n", settings="")
    assert "1 passed" in done.stdout, done.stdout


@pytest.mark.parametrize(
    ("tests", "settings", "said"),
    [
        ("def test_it(jobs): ...", "", "which app?"),
        ("def test_it(jobs): ...", "offsider_app = shop:ran", "'shop:ran', which is no App"),
        ("import pytest\n@pytest.mark.offsider(mode='fast')\ndef test_it(): ...", None, "expected one of fake, inline"),
        ("import pytest\n@pytest.mark.offsider('fake')\ndef test_it(): ...", None, "expected only mode="),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, tests: str, settings: str | None, said: str) -> None:
    done = run(tmp_path, tests, **({} if settings is None else {"settings": settings}))
    assert said in done.stdout, done.stdout


def test_the_package_names_the_plugin() -> None:
    project = tomllib.loads((SOURCE / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"offsider": "offsider.testing.plugin"}
