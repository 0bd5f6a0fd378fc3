"""One spool file: pushes in their order, each on disk before its writer goes on. Knows no Redis.

Whoever holds its lock writes it: the process that made it, and once that is gone, whoever takes it over. A lock ends
with its process, however that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import threading
from pathlib import Path
from typing import Any

from offsider import clock
from offsider.contract.undelivered import Undelivered

from . import frames
from .frames import FIRST, FRAME_HEAD, Entry, Progress

log = logging.getLogger("offsider.pro")

MODE = 0o600
_HALF_MADE = ".new"


class SpoolFile:
    """A file that this process holds.

    * `append` returns when a push is on disk; many threads at once share one `fsync`;
    * `first` and `advance` are for the one thread that delivers; what is not on disk yet is not delivered;
    * a file that could not be written is written no more: what was on disk before stays, and is delivered.

    Attributes:
        path: Where it is.
        about: Whose it is: the ``url`` and the ``prefix`` of the keys, and the ``lane`` that its pushes are sent under,
            those in doubt excepted.
        progress: How far it was written and delivered.
        damaged_bytes: How much was passed over because it could not be read.
        is_broken: True once it could not be written.
    """

    def __init__(self, path: Path, number: int, progress: Progress, about: dict[str, Any]) -> None:
        self.path = path
        self.about = about
        self.progress = progress
        self.damaged_bytes = 0
        self.is_broken = False
        self._file = number
        self._end = self._synced = os.fstat(number).st_size
        self._writing = threading.Lock()
        self._syncing = threading.Lock()

    @classmethod
    def make(cls, folder: Path, place: dict[str, str], suffix: str = frames.SUFFIX) -> SpoolFile:
        """A new one; it is seen by others once it is complete and locked.

        Args:
            folder: Where.
            place: What says whose it is, to whoever looks into it.
            suffix: Of its name.

        Raises:
            OSError: The folder cannot be written.
        """
        name = f"{clock.now_ms():013x}-{os.getpid()}-{os.urandom(4).hex()}"
        about = {**place, "lane": os.urandom(9).hex(), "pid": os.getpid()}
        half_made = folder / f"{name}{_HALF_MADE}"
        number = os.open(half_made, os.O_RDWR | os.O_CREAT | os.O_EXCL, MODE)
        try:
            fcntl.flock(number, fcntl.LOCK_EX)
            first = frames.framed(json.dumps(about).encode())
            progress = Progress(offset=FIRST + len(first))
            _write(number, frames.preamble(progress) + first, 0)
            os.fsync(number)
            path = folder / f"{name}{suffix}"
            half_made.rename(path)
            sync_folder(folder)
        except OSError:
            os.close(number)
            half_made.unlink(missing_ok=True)
            raise
        return cls(path, number, progress, about)

    @classmethod
    def take(cls, path: Path) -> SpoolFile | None:
        """One that nobody holds any more; None when somebody does, or it is gone, or it is none.

        Raises:
            Newer: A newer version has written it.
            OSError: It cannot be opened.
        """
        try:
            number = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return None  # whoever held it has delivered all of it since it was listed
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            data = os.pread(number, FIRST, 0)
            progress = frames.read_preamble(data)
            body = _body_at(number, FIRST)
            if progress is None or body is None or not os.fstat(number).st_nlink:
                os.close(number)
                return None
            about: dict[str, Any] = json.loads(body)
        except (BlockingIOError, frames.Newer) as error:
            os.close(number)
            if isinstance(error, frames.Newer):
                raise
            return None
        progress.offset = max(progress.offset, FIRST + FRAME_HEAD + len(body))
        return cls(path, number, progress, about)

    # -- writing -------------------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self._end

    @property
    def jobs_left(self) -> int:
        """How many jobs wait in it."""
        return max(0, self.progress.jobs - self.progress.delivered_jobs)

    def write(self, push: Undelivered) -> int:
        """Write a push behind the others; it is kept once `sync` has returned for the end that this returns.

        Raises:
            OSError: The disk is full, or does not take it. Nothing was written.
        """
        with self._writing:
            if self.is_broken:
                raise OSError(f"{self.path} could not be written before")
            number = self.progress.entries + 1
            frame = frames.framed(frames.to_body(push, number, clock.now_ms()))
            try:
                _write(self._file, frame, self._end)
            except OSError:
                self._cut(self._end)
                raise
            self._end += len(frame)
            self.progress.entries = number
            self.progress.jobs += push.jobs
            return self._end

    def sync(self, end: int) -> None:
        """Return when everything up to there is on disk, by this thread's or by another's `fsync`.

        Raises:
            OSError: It is not, and will not be.
        """
        with self._syncing:
            if self._synced >= end:
                return
            if self.is_broken:
                raise OSError(f"{self.path} could not be written to disk")
            with self._writing:
                reached = self._end
                self._note()
            try:
                os.fsync(self._file)
            except OSError:
                # After a failed fsync nobody knows what will be on disk: this file is never trusted again.
                with self._writing:
                    self.is_broken = True
                    self._cut(self._synced)
                    self._end = self._synced
                raise
            self._synced = reached

    # -- delivering ----------------------------------------------------------------------------------------------

    def first(self) -> tuple[Entry, int] | None:
        """The first push that was not delivered, and where it ends; None when there is none (yet).

        What cannot be read is passed over, up to the next push that can; an end that was torn off is no push: whoever
        wrote it has died before its ``enqueue`` returned.
        """
        while (offset := self.progress.offset) < self._synced:
            body = _body_at(self._file, offset, self._synced)
            if body is not None:
                return frames.from_body(body), offset + FRAME_HEAD + len(body)
            following = self._next_frame(offset + 1)
            if following is None and self._is_torn(offset):
                following = self._synced
            else:
                following = following or self._synced
                self.damaged_bytes += following - offset
            self.progress.offset = following
        return None

    def advance(self, entry: Entry, end: int) -> None:
        """A push was delivered. Not on disk at once: it may be delivered again, which Redis knows."""
        with self._writing:
            self.progress.offset = end
            self.progress.delivered += 1
            self.progress.delivered_jobs += entry.push.jobs
            self._note()

    def settle(self) -> None:
        """Bring to disk what was delivered."""
        if self._file >= 0:
            os.fsync(self._file)

    @property
    def is_done(self) -> bool:
        """True when everything that was written was delivered."""
        with self._writing:
            return self.progress.offset >= self._end

    def end(self) -> None:
        """Remove it; one that was damaged is kept under another name."""
        if self.damaged_bytes:
            kept = self.path.rename(self.path.with_suffix(".damaged"))
            log.error(
                "%d bytes of a spool file cannot be read, and may have been jobs. Look at the disk; it is kept as %s",
                self.damaged_bytes,
                kept,
            )
        else:
            self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Let go of it, as it is; tolerates twice."""
        number, self._file = self._file, -1
        if number >= 0:
            os.close(number)

    # -- bytes ---------------------------------------------------------------------------------------------------

    def _note(self) -> None:
        _write(self._file, self.progress.packed(), frames.PROGRESS_AT)

    def _cut(self, end: int) -> None:
        with contextlib.suppress(OSError):
            os.ftruncate(self._file, end)

    def _is_torn(self, offset: int) -> bool:
        """True for the end of a file whose writer has died while it wrote."""
        head = os.pread(self._file, FRAME_HEAD, offset)
        length = frames.frame_length(head)
        if length is None:
            return len(head) < FRAME_HEAD
        return offset + FRAME_HEAD + length > self._synced

    def _next_frame(self, offset: int) -> int | None:
        """Where the next whole frame begins."""
        rest = os.pread(self._file, self._synced - offset, offset)
        at = rest.find(frames.FRAME)
        while at >= 0:
            if _body_at(self._file, offset + at, self._synced) is not None:
                return offset + at
            at = rest.find(frames.FRAME, at + 1)
        return None


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to disk."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _body_at(number: int, offset: int, end: int | None = None) -> bytes | None:
    head = os.pread(number, FRAME_HEAD, offset)
    length = frames.frame_length(head)
    if length is None or (end is not None and offset + FRAME_HEAD + length > end):
        return None
    body = os.pread(number, length, offset + FRAME_HEAD)
    return body if frames.is_whole(head, body) else None


def _write(number: int, data: bytes, offset: int) -> None:
    """All of it: a write may stop halfway, at a signal or at the end of the disk."""
    view = memoryview(data)
    while view:
        written = os.pwrite(number, view, offset)
        view, offset = view[written:], offset + written
