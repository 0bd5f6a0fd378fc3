"""What a customer installs: the built wheels, in a fresh environment, run a job."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "offsider": "packages/oss",
    "offsider_pro": "packages/pro",
    "offsider_enterprise": "packages/enterprise",
    "offsider_licensing": "licensing",
}
PROGRAM = """
import threading, sys
import offsider, offsider_pro, offsider_enterprise, offsider_licensing
from offsider import App
from offsider.worker.worker import Worker
assert "site-packages" in offsider.__file__, offsider.__file__
app = App(sys.argv[1], namespace="wheel")
from offsider_licensing.build import stamp
assert stamp("offsider_pro") and stamp("offsider_enterprise"), "wheels know when they were built"
print([edition.name for edition in app.editions])
done = threading.Event()
@app.job
def ran(n: int) -> None:
    print("ran", n)
    done.set()
ran.enqueue(7)
worker = Worker(app)
worker.start()
assert done.wait(20)
worker.stop()
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheel of every package, built from the tree as it is."""
    out = tmp_path_factory.mktemp("wheels")
    for folder in PACKAGES.values():
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
        subprocess.run(command, cwd=ROOT / folder, check=True, capture_output=True, text=True)
    return {path.name.split("-")[0]: path for path in out.glob("*.whl")}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_wheel_holds_every_file_of_the_source(package: str, wheels: dict[str, Path]) -> None:
    source = ROOT / PACKAGES[package] / "src"
    expected = {str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()}
    expected = {one for one in expected if "__pycache__" not in one}
    held = set(zipfile.ZipFile(wheels[package]).namelist())
    assert expected <= held
    assert f"{package}/py.typed" in held
    assert any("licenses/LICENSE" in one for one in held)


def test_the_free_wheel_holds_the_scripts(wheels: dict[str, Path]) -> None:
    held = zipfile.ZipFile(wheels["offsider"]).namelist()
    scripts = {path.name for path in (ROOT / "packages/oss/src/offsider/store/lua").glob("*.lua")}
    assert len(scripts) >= 9
    assert scripts <= {Path(one).name for one in held}


@pytest.mark.timeout(300)
def test_installed_wheels_run_a_job_in_a_fresh_environment(
    wheels: dict[str, Path], tmp_path: Path, redis_url: str
) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    install = [python, "-m", "pip", "install", "-q", *wheels.values()]
    subprocess.run(install, check=True, capture_output=True, text=True)
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "VIRTUAL_ENV") and not name.startswith("OFFSIDER_")
    }
    environment["OFFSIDER_LICENSE"] = "evaluation"
    run = subprocess.run(
        [python, "-I", "-c", PROGRAM, redis_url],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == ["['pro', 'enterprise']", "ran 7"]
    version = subprocess.run(
        [tmp_path / "venv/bin/offsider", "--version"], env=environment, capture_output=True, text=True, check=True
    )
    assert version.stdout.startswith("offsider ")
