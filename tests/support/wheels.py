"""Wheels for tests: small made-up ones, ours as they are built, and what is installed, packed again."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime, time
from email.parser import BytesParser
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
OURS = {
    "offsider": "packages/oss",
    "offsider-licensing": "licensing",
    "offsider-pro": "packages/pro",
    "offsider-enterprise": "packages/enterprise",
}


def make_wheel(
    folder: Path, project: str, version: str = "1.0", *, built: str | None = None, requires_python: str = ">=3.11",
    text: str = "", name: str | None = None,
) -> Path:  # fmt: skip
    """A wheel with one module; with a build date stamped into it, if one is given."""
    package, module = project.replace("-", "_"), project.replace("-", "_")
    files = {f"{module}/__init__.py": text}
    if built is not None:
        files[f"{module}/_build.py"] = f'"""The stamp."""\n\nBUILT = "{built}"\n'
    needs = f"Requires-Python: {requires_python}\n" if requires_python else ""
    head = f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n{needs}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (name or f"{package}-{version}-py3-none-any.whl")
    return pack(path, f"{package}-{version}.dist-info", head.encode(), {one: files[one].encode() for one in files})


def pack(path: Path, info: str, head: bytes, files: dict[str, bytes]) -> Path:
    """Write a wheel."""
    files = {
        **files,
        f"{info}/METADATA": head,
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in files.items()]
    record = "\n".join([*lines, f"{info}/RECORD,,", ""]).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(name, content)
    return path


def build(folder: Path, built: date) -> dict[str, Path]:
    """Our wheels, built from the tree as it is, with this day as their build date: project → wheel."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(int(datetime.combine(built, time(), UTC).timestamp()))}
    for place in OURS.values():
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
        subprocess.run(command, cwd=ROOT / place, env=environment, check=True, capture_output=True)
    return {path.name.split("-")[0].replace("_", "-"): path for path in folder.glob("*.whl")}


def pack_installed(folder: Path, *wheels: Path) -> Path:
    """A folder with wheels of what is installed here and these need: an index of packages without a network."""
    folder.mkdir(parents=True, exist_ok=True)
    for project in _needed(wheels):
        distribution = metadata.distribution(project)
        files = {
            str(one): Path(str(one.locate())).read_bytes()
            for one in distribution.files or []
            if ".." not in one.parts and one.suffix != ".pyc" and not one.parts[0].endswith(".dist-info")
        }
        name, version = distribution.metadata["Name"].replace("-", "_"), distribution.version
        head = (distribution.read_text("METADATA") or "").encode()
        pack(folder / f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.dist-info", head, files)
    return folder


def _needed(wheels: tuple[Path, ...]) -> list[str]:
    """The projects that these wheels need, directly or not, without ours."""
    found: dict[str, None] = {}
    waiting = [need for path in wheels for need in _needs_of(path)]
    while waiting:
        requirement = Requirement(waiting.pop())
        name = requirement.name.lower()
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": "crypto"})
        if wanted and name not in found and name not in OURS:
            found[name] = None
            waiting += metadata.requires(name) or []
    return list(found)


def _needs_of(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        return BytesParser().parsebytes(archive.read(name)).get_all("Requires-Dist") or []


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
