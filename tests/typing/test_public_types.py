"""The types of the public API, as two checkers see them: right usage passes, and each wrong line is an error."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CHECKERS = ("mypy", "pyright")
RIGHT = sorted((HERE / "right").glob("*.py"))
WRONG = sorted((HERE / "wrong").glob("*.py"))
MARK = "# WRONG: "

Errors = Mapping[str, Mapping[str, Mapping[str, list[str]]]]  # checker → file → line → messages


def run_mypy(cache: Path) -> dict[str, dict[str, list[str]]]:
    """Errors by file and line."""
    command = [sys.executable, "-m", "mypy", "--config-file", str(HERE / "mypy.ini"), "--cache-dir", str(cache)]
    command += ["--no-error-summary", *map(str, (*RIGHT, *WRONG))]
    run = subprocess.run(command, cwd=HERE, capture_output=True, text=True)
    assert run.returncode in (0, 1), run.stdout + run.stderr
    found: dict[str, dict[str, list[str]]] = {}
    for line in run.stdout.splitlines():
        error = re.match(r"(.+?\.py):(\d+): error: (.*)", line)
        if error is not None:
            name, number, message = error.groups()
            found.setdefault((HERE / name).name, {}).setdefault(number, []).append(message)
    return found


def run_pyright() -> dict[str, dict[str, list[str]]]:
    """Errors by file and line. The checker and its node come from PyPI: nothing is fetched when it runs."""
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "--project", str(HERE)]
    run = subprocess.run(command, cwd=HERE, capture_output=True, text=True)
    assert run.returncode in (0, 1), run.stdout + run.stderr
    report = json.loads(run.stdout)
    assert report["summary"]["filesAnalyzed"] == len(RIGHT) + len(WRONG)
    found: dict[str, dict[str, list[str]]] = {}
    for one in report["generalDiagnostics"]:
        if one["severity"] != "information":
            number = str(one["range"]["start"]["line"] + 1)
            found.setdefault(Path(one["file"]).name, {}).setdefault(number, []).append(one["message"])
    return found


@pytest.fixture(scope="session")
def errors(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Errors:
    """What both checkers say, asked once for all processes of a test run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    result = shared / "type-errors.json"
    with (shared / "type-errors.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not result.exists():
            kept = getattr(request.config, "cache", None)  # None where pytest was told to keep none
            cache = shared / "types-mypy" if kept is None else kept.mkdir("types-mypy")
            found = {"mypy": run_mypy(cache), "pyright": run_pyright()}
            result.write_text(json.dumps(found), "utf-8")
    read: Errors = json.loads(result.read_text("utf-8"))
    return read


def marked(path: Path) -> list[int]:
    """The numbers of the lines that carry the mark."""
    return [number for number, line in enumerate(path.read_text("utf-8").splitlines(), 1) if MARK in line]


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("path", RIGHT, ids=lambda path: path.stem)
def test_right_usage_has_no_error(path: Path, checker: str, errors: Errors) -> None:
    assert errors[checker].get(path.name, {}) == {}


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_exactly_the_marked_lines_are_errors(path: Path, checker: str, errors: Errors) -> None:
    found = errors[checker].get(path.name, {})
    expected = set(marked(path))
    assert len(expected) > 20
    wrongly_accepted = sorted(expected - {int(number) for number in found})
    wrongly_refused = {number: texts for number, texts in found.items() if int(number) not in expected}
    assert (wrongly_accepted, wrongly_refused) == ([], {})


@pytest.mark.parametrize("path", RIGHT, ids=lambda path: path.stem)
def test_what_the_checkers_accept_can_be_defined(path: Path) -> None:
    program = f"import runpy; runpy.run_path({str(path)!r}, run_name='right_usage')"
    run = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
