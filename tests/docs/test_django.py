"""The guide for Django, as a project of its own: its files as they are printed there, its worker, its test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.pages import page
from support.waiting import until

GUIDE = page("docs/guides/django.md")
ENQUEUE = "import django; django.setup(); from shop.views import sign_up; sign_up('Ada')"
TEST = "import django; django.setup(); from shop.test_views import test_signing_up_sends_a_mail as test; test()"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the guide's files."""
    pytest.importorskip("django_tasks" if sys.version_info < (3, 12) else "django")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/__init__.py").write_text("", "utf-8")
    for block in GUIDE.blocks("python"):
        first = block.text.splitlines()[0]
        assert first.startswith("# shop/"), "each block of the guide says which file it is"
        with (tmp_path / first.removeprefix("# ")).open("a", encoding="utf-8") as file:
            file.write(block.text)
    return tmp_path


def run(project: Path, url: str, *words: str) -> str:
    """What a command of the project says."""
    done = subprocess.run(
        [sys.executable, *words], cwd=project, env=environment(url), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def environment(url: str) -> dict[str, str]:
    """Of somebody who works on the project."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OFFSIDER_")}
    return {
        **kept, "DJANGO_SETTINGS_MODULE": "shop.settings", "OFFSIDER_REDIS_URL": url, "OFFSIDER_EDITIONS": "oss",
        "PYTHONUNBUFFERED": "1", "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path]),
    }  # fmt: skip


def test_the_project_of_the_guide_runs_its_job(project: Path, redis_url: str) -> None:
    run(project, redis_url, "-m", "django", "migrate", "--verbosity", "0")
    run(project, redis_url, "-c", ENQUEUE)
    assert "welcome, Ada" in run(project, redis_url, "-c", TEST)
    with (project / "log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "django", "offsider_worker"],
            cwd=project, env=environment(redis_url), stdout=log, stderr=log,
        )  # fmt: skip
    try:
        until(lambda: "welcome, Ada" in (project / "log").read_text() or worker.poll() is not None, 40)
        assert worker.poll() is None, (project / "log").read_text()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0
    finally:
        if worker.poll() is None:
            worker.kill()
            worker.wait()
