"""Each system's own environment below ``.envs/NAME``: made once, made anew when what it is made of changes.

Never installs anything outside that folder: what Debian must have is only looked for.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from versus.catalogue import System
from versus.processes import Unmeasured, last_line

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = Path(__file__).parent / ".envs"
_LONGEST_INSTALL_S = 900
_NOT_PASSED_ON = ("OFFSIDER_", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Installed:
    """A system that can be started.

    Attributes:
        command: What the adapter's own arguments are put behind.
        environment: The variables that it runs with.
        versions: What the adapter says of itself.
    """

    system: System
    command: tuple[str, ...]
    environment: dict[str, str]
    versions: dict[str, str]


def install(system: System) -> Installed:
    """Make the environment, unless it is there, and ask the adapter for its versions.

    Raises:
        Unmeasured: It cannot be installed, or its adapter cannot say its versions.
    """
    folder = ENVIRONMENTS / system.name
    folder.mkdir(parents=True, exist_ok=True)
    stamp, wanted = folder / "installed.json", _wanted(system)
    makers: dict[str, Callable[[System, Path, bool], str]] = {"python": _venv, "node": _npm, "debian-ruby": _ruby}
    is_there = stamp.is_file() and stamp.read_text("utf-8") == wanted
    stamp.unlink(missing_ok=True)
    program = makers[system.language](system, folder, is_there)
    command = (program, str(system.adapter))
    stamp.write_text(wanted, "utf-8")
    environment = _environment(Path(program).parent)
    versions = json.loads(_ran([*command, "versions"], "its adapter says no versions", env=environment))
    return Installed(system, command, environment, {str(name): str(one) for name, one in versions.items()})


def requirement(package: str) -> str:
    """What pip is given: ``./folder[extra]`` is a folder of this repository, anything else is as it is."""
    return str(ROOT / package) if package.startswith("./") else package


def _venv(system: System, folder: Path, is_there: bool) -> str:
    where = folder / ".venv"
    python = where / "bin" / "python"
    if not is_there:
        shutil.rmtree(where, ignore_errors=True)
        _ran([sys.executable, "-m", "venv", str(where)], "not installed")
        packages = [requirement(one) for one in system.packages]
        _ran([str(python), "-m", "pip", "install", "--quiet", *packages], "not installed")
    return str(python)


def _npm(system: System, folder: Path, is_there: bool) -> str:
    node, npm = _found("node"), _found("npm")
    if not is_there:
        (folder / "package.json").write_text('{"private": true}\n', "utf-8")
        _ran([npm, "install", "--no-audit", "--no-fund", *system.packages], "not installed", cwd=folder)
    return node


def _ruby(system: System, _folder: Path, _is_there: bool) -> str:
    ruby = _found("ruby")
    if system.packages:
        status = ["dpkg-query", "--show", "--showformat", "${db:Status-Status}\n", *system.packages]
        _ran(status, f"not installed: it needs Debian's {', '.join(system.packages)}")
    return ruby


def _found(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise Unmeasured(f"not installed: there is no {program} on PATH")
    return path


def _ran(command: list[str], otherwise: str, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """What a command printed."""
    environment = _environment() if env is None else env
    try:
        done = subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=_LONGEST_INSTALL_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unmeasured(f"{otherwise}: {error}") from None
    if done.returncode:
        raise Unmeasured(f"{otherwise}: {last_line(done.stderr or done.stdout)}")
    return done.stdout


def _environment(first: Path | None = None) -> dict[str, str]:
    """Our variables without what would lead a system out of its own environment."""
    found = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_PASSED_ON)}
    if first is not None:
        found["PATH"] = f"{first}{os.pathsep}{found.get('PATH', '')}"
    return found


def _wanted(system: System) -> str:
    """What an environment is made of; folders of this repository by their contents."""
    folders = {one: _digest(ROOT / one.partition("[")[0]) for one in system.packages if one.startswith("./")}
    return json.dumps([system.language, system.packages, sys.version, folders], indent=1)


def _digest(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted([folder / "pyproject.toml", *(folder / "src").rglob("*")]):
        if path.is_file() and path.suffix != ".pyc":
            found.update(str(path.relative_to(folder)).encode())
            found.update(path.read_bytes())
    return found.hexdigest()
