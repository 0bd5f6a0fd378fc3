"""The stamp of a wheel: built for real, read back, absent from source trees."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from offsider_licensing.build import moment_s, stamp

ROOT = Path(__file__).parents[2]
PAID = {"offsider_pro": "packages/pro", "offsider_enterprise": "packages/enterprise"}


def build(folder: Path, out: Path, *what: str, **env: str) -> subprocess.CompletedProcess[str]:
    """hatchling, on a package."""
    command = [sys.executable, "-m", "hatchling", "build", *what, "-d", str(out)]
    clean = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    return subprocess.run(command, cwd=folder, env={**clean, **env}, capture_output=True, text=True, timeout=60)


def built(wheel: Path, package: str) -> str:
    """What the stamp in a wheel says, as a program reads it."""
    program = f"import sys; sys.path.insert(0, sys.argv[1]); from {package}._build import BUILT; print(BUILT)"
    name = f"{package}/_build.py"
    with zipfile.ZipFile(wheel) as archive:
        assert name in archive.namelist()
        archive.extract(name, wheel.parent / "read")
    (wheel.parent / "read" / package / "__init__.py").touch()
    read = [sys.executable, "-I", "-c", program, str(wheel.parent / "read")]
    return subprocess.run(read, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("package", PAID)
def test_a_wheel_says_when_it_was_built(package: str, tmp_path: Path) -> None:
    before = datetime.now(UTC).date().isoformat()
    run = build(ROOT / PAID[package], tmp_path, "-t", "wheel")
    assert run.returncode == 0, run.stderr
    assert before <= built(next(tmp_path.glob("*.whl")), package) <= datetime.now(UTC).date().isoformat()


@pytest.mark.parametrize("package", PAID)
def test_a_reproducible_wheel_says_the_date_that_it_was_given(package: str, tmp_path: Path) -> None:
    run = build(ROOT / PAID[package], tmp_path, "-t", "wheel", SOURCE_DATE_EPOCH="1788220800")
    assert run.returncode == 0, run.stderr
    assert built(next(tmp_path.glob("*.whl")), package) == "2026-09-01"


def test_a_wheel_made_of_the_source_archive_has_one_too(tmp_path: Path) -> None:
    assert build(ROOT / PAID["offsider_pro"], tmp_path, "-t", "sdist").returncode == 0
    import tarfile

    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        assert not [name for name in archive.getnames() if name.endswith("_build.py") and "hatch" not in name]
        archive.extractall(tmp_path)
    run = build(next(tmp_path.glob("offsider_pro-*/")), tmp_path, "-t", "wheel", SOURCE_DATE_EPOCH="1788220800")
    assert run.returncode == 0, run.stderr
    assert built(next(tmp_path.glob("*.whl")), "offsider_pro") == "2026-09-01"


def test_the_hooks_of_the_editions_are_one_and_the_same() -> None:
    """Each source archive has to have its own; a change of one is a change of all."""
    texts = {(ROOT / folder / "hatch_build.py").read_text("utf-8").replace(name, "…") for name, folder in PAID.items()}
    assert len(texts) == 1


def test_a_date_that_is_none_stops_the_build(tmp_path: Path) -> None:
    run = build(ROOT / PAID["offsider_pro"], tmp_path, "-t", "wheel", SOURCE_DATE_EPOCH="yesterday")
    assert run.returncode != 0
    assert "SOURCE_DATE_EPOCH is 'yesterday'" in run.stderr + run.stdout


@pytest.mark.parametrize("package", PAID)
def test_a_source_tree_has_none_and_a_build_leaves_none(package: str) -> None:
    assert stamp(package) is None
    assert not list((ROOT / PAID[package] / "src").rglob("_build.py"))


def test_a_stamp_is_read_from_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "stamped_edition"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "_build.py").write_text('BUILT = "2026-09-01"\n', "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert stamp("stamped_edition") == "2026-09-01"
    assert moment_s("2026-09-01") == 1_788_220_800


def test_a_stamp_that_cannot_be_imported_is_no_missing_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "broken_edition"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "_build.py").write_text("import nothing_of_this_name\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="nothing_of_this_name"):
        stamp("broken_edition")
