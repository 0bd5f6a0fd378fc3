"""Where the spool files of one Redis and namespace lie on this machine, and how much is in them. Writes none."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from offsider import clock
from offsider.errors import NotKept

from . import frames

FOLDER_MODE = 0o700
HALF_MADE_S = 60.0
_NAME = re.compile(r"([0-9a-f]{13})-\d+-[0-9a-f]{8}\.(spool|refused|damaged)\Z")


@dataclass(slots=True)
class Depth:
    """How much waits on this machine for one Redis and namespace.

    Attributes:
        jobs: How many jobs, in pushes that can be delivered.
        bytes: How much of the disk the files take, with what was delivered of them already.
        files: How many files there are.
        oldest_s: For how long the oldest file has been there; 0 without one.
        refused: Files with pushes that Redis took for wrong: they wait for a repair.
        damaged: Files that could not be read as a whole; what could be read was delivered.
        newer: Files of a newer version of this package.
    """

    jobs: int = 0
    bytes: int = 0
    files: int = 0
    oldest_s: float = 0.0
    refused: int = 0
    damaged: int = 0
    newer: int = 0


class SpoolFolder:
    """The folder of one place.

    Args:
        root: The folder of all places.
        url: Of the Redis; its user and password are no part of it, and are written nowhere.
        prefix: Of the namespace's keys.

    Example:
        >>> SpoolFolder(Path("/var/spool/offsider"), "redis://:secret@db:6379/0", "{shop}:").path.name
        'shop-b04e169c4330'
    """

    def __init__(self, root: Path, url: str, prefix: str) -> None:
        self.place = {"url": _without_user(url), "prefix": prefix}
        digest = hashlib.sha256("\n".join(self.place.values()).encode()).hexdigest()[:12]
        readable = re.sub(r"[^A-Za-z0-9_.-]", "", prefix) or "sidekiq"
        self.path = root / f"{readable[:60]}-{digest}"

    def make(self) -> None:
        """Make it, for this user alone.

        Raises:
            NotKept: It cannot be made, or belongs to somebody else.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
            owner = self.path.stat().st_uid
        except OSError as error:
            raise NotKept(
                f"The spool cannot be used: {error}. Set pro.spool.folder to a folder that this user may write, on a"
                " disk that outlives the process"
            ) from error
        if owner not in (os.getuid(), os.geteuid()):
            raise NotKept(f"The spool {self.path} belongs to user {owner}: set pro.spool.folder to one of this user")

    @property
    def is_writable(self) -> bool:
        """True when it could be made, or is there and can be written, as far as rights tell."""
        nearest = next(one for one in (self.path, *self.path.parents) if one.exists())
        return os.access(nearest, os.W_OK | os.X_OK)

    def files(self, suffix: str = frames.SUFFIX) -> list[Path]:
        """Its files, the oldest first."""
        return sorted(path for path in _listed(self.path) if path.name.endswith(suffix) and _NAME.match(path.name))

    def depth(self) -> Depth:
        """How much there is; asks the disk a little about each file."""
        depth = Depth()
        now_ms = clock.now_ms()
        for path in self.files(""):
            found = _progress(path)
            if found is None:
                continue  # gone, or somebody else's
            progress, size = found
            depth.files += 1
            depth.bytes += size
            if path.suffix == frames.SUFFIX and progress is not None:
                depth.jobs += max(0, progress.jobs - progress.delivered_jobs)
                depth.oldest_s = max(depth.oldest_s, (now_ms - int(path.name[:13], 16)) / 1000)
            depth.refused += path.suffix == ".refused"
            depth.damaged += path.suffix == ".damaged"
            depth.newer += progress is None
        return depth

    def sweep(self) -> None:
        """Remove what a process left that died while it made a file: nothing was in it yet."""
        for path in _half_made(self.path):
            path.unlink(missing_ok=True)


def strangers(root: Path, ours: set[Path]) -> list[Path]:
    """The folders of other places that have files: their Redis, or namespace, is none of this app's."""
    try:
        folders = [one for one in root.iterdir() if one.is_dir() and one not in ours]
    except OSError:
        return []
    return sorted(one for one in folders if any(_NAME.match(path.name) for path in _listed(one)))


def default_root() -> Path:
    """A folder of this user's own, which outlives a process and a restart of the machine."""
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path("~/.local/state").expanduser()) / "offsider" / "spool"


def _progress(path: Path) -> tuple[frames.Progress | None, int] | None:
    """How far a file has come, None when a newer version wrote it; and its size."""
    try:
        with path.open("rb") as file:
            data, size = file.read(frames.FIRST), os.fstat(file.fileno()).st_size
        progress = frames.read_preamble(data)
    except frames.Newer:
        return None, size
    except OSError:
        return None
    return None if progress is None else (progress, size)


def _half_made(folder: Path) -> Iterator[Path]:
    before_s = clock.now_s() - HALF_MADE_S
    for path in _listed(folder):
        try:
            if path.suffix == ".new" and path.stat().st_mtime < before_s:
                yield path
        except OSError:
            continue  # gone by now


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    database = urlencode([(name, value) for name, value in parse_qsl(parts.query) if name == "db"])
    return urlunsplit(parts._replace(netloc=host, query=database, fragment=""))
