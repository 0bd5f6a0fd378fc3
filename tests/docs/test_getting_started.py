"""The first ten minutes: the program of the guide, as it is printed there, with a server of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.pages import page

GUIDE = page("docs/guides/getting-started.md")
GREETINGS = {"hello, Ada", "hello, Grace"}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """That of somebody who has set nothing."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OFFSIDER_")}
    return {
        **kept, "XDG_CACHE_HOME": str(tmp_path / "cache"), "OFFSIDER_EDITIONS": "oss", "PYTHONUNBUFFERED": "1"
    }  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the guide's program in it."""
    made = tmp_path / "shop"
    made.mkdir()
    program = GUIDE.blocks("python")[0].text
    assert len([line for line in program.splitlines() if line.strip()]) <= 12, "twelve lines are promised"
    (made / "shop.py").write_text(program, "utf-8")
    return made


@pytest.fixture
def worker(folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """The guide's worker, in the guide's folder, after the guide's program has run."""
    subprocess.run([sys.executable, "shop.py"], cwd=folder, env=environment, check=True, timeout=60)
    command = [sys.executable, "-m", "offsider", "worker", "shop:app"]
    process = subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    yield process
    if process.poll() is None:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def test_the_jobs_of_the_guide_run_and_the_worker_stops(worker: subprocess.Popen[str]) -> None:
    assert worker.stdout is not None
    alarm = threading.Timer(60, worker.kill)
    alarm.start()
    said = []
    for line in worker.stdout:
        said.append(line.strip())
        # Two threads that print at once may share a line: `print` writes a text and its end one after the other.
        if all(greeting in " ".join(said) for greeting in GREETINGS):
            break
    worker.send_signal(signal.SIGTERM)
    said += [line.strip() for line in worker.stdout]
    assert worker.wait(30) == 0, said
    alarm.cancel()
    assert sorted(re.findall("hello, [A-Z][a-z]*?(?=hello, |[^a-z]|$)", " ".join(said))) == sorted(GREETINGS), (
        "each once"
    )
    assert said[-1].endswith("has stopped")
