"""What a wheel says about itself: read from the file, nothing of it is run."""

from __future__ import annotations

import ast
import hashlib
import re
import zipfile
from dataclasses import dataclass
from datetime import date
from email.parser import BytesParser
from email.policy import compat32
from pathlib import Path

from .errors import PublishError

MOST_METADATA_BYTES = 1_000_000

_WHEEL = re.compile(r"(?P<name>\w[\w.]*)-(?P<version>[\w.!+]+)(-\d[\w.]*)?-[\w.]+-[\w.]+-[\w.]+\.whl", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel.

    Attributes:
        file: Its name.
        project: The project's normalised name.
        version: Its version.
        requires_python: Empty when it says nothing.
        metadata: The METADATA, byte for byte.
        content: The whole file.
        stamp: The build date that is stamped into it (`BUILT` in `_build.py`), if there is one.
    """

    file: str
    project: str
    version: str
    requires_python: str
    metadata: bytes
    content: bytes
    stamp: date | None

    @property
    def sha256(self) -> str:
        """Of the file."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def metadata_sha256(self) -> str:
        """Of the metadata."""
        return hashlib.sha256(self.metadata).hexdigest()


def normalised(project: str) -> str:
    """A project's name as indexes spell it.

    Example:
        >>> normalised("Offsider_Pro")
        'offsider-pro'
    """
    return re.sub(r"[-_.]+", "-", project).lower()


def read(path: Path) -> Wheel:
    """Read a wheel.

    Raises:
        PublishError: It is none, or its name and its metadata differ.
    """
    match = _WHEEL.fullmatch(path.name)
    if match is None:
        raise PublishError(f"{path.name} is no wheel's name: build one with `hatch build -t wheel`")
    try:
        with zipfile.ZipFile(path) as archive:
            metadata = _member(archive, f"{match['name']}-{match['version']}.dist-info/METADATA")
            stamp = _stamp(archive)
        content = path.read_bytes()
    except (OSError, zipfile.BadZipFile, KeyError, NotImplementedError) as error:
        raise PublishError(f"{path} cannot be read as a wheel: {error}") from None
    said = BytesParser(policy=compat32).parsebytes(metadata, headersonly=True)
    project, version = normalised(str(said["Name"])), str(said["Version"])
    if (project, version) != (normalised(match["name"]), match["version"]):
        raise PublishError(f"{path.name} holds {project} {version}: expected what its name says")
    return Wheel(path.name, project, version, str(said["Requires-Python"] or ""), metadata, content, stamp)


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > MOST_METADATA_BYTES:
        raise PublishError(f"{name} has more than {MOST_METADATA_BYTES} bytes")
    return archive.read(name)


def _stamp(archive: zipfile.ZipFile) -> date | None:
    for name in archive.namelist():
        if re.fullmatch(r"\w+/_build\.py", name):
            return _date_in(name, _member(archive, name))
    return None


def _date_in(name: str, source: bytes) -> date:
    try:
        for node in ast.parse(source).body:
            if isinstance(node, ast.AnnAssign):
                targets: list[ast.expr] = [node.target]
            elif isinstance(node, ast.Assign):
                targets = node.targets
            else:
                continue
            if any(isinstance(one, ast.Name) and one.id == "BUILT" for one in targets) and node.value is not None:
                return date.fromisoformat(ast.literal_eval(node.value))
    except (SyntaxError, ValueError, TypeError) as error:
        raise PublishError(f"the build date in {name} cannot be read: {error}") from None
    raise PublishError(f'{name} has no build date: expected BUILT = "YYYY-MM-DD"')
