"""What lies in a spool file, byte by byte. Reads and writes no file.

::

    0   8  magic                      16   8  offset of the first entry that was not delivered
    8   2  version of the format      24   4  entries written      28  4  jobs in them
    10  2  form of the pushes         32   4  entries delivered    36  4  jobs in them
    12  4  (nothing)                  40   4  CRC-32 of bytes 16 to 39
    64     frames: magic, length, CRC-32, body. The first says whose file it is; each other one is a push.

Numbers have the high byte first; bodies are JSON.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from typing import Any

from offsider.contract.undelivered import FORM, Undelivered

VERSION = 1
MAGIC = b"OFFSPOOL"
FRAME = b"\x9eSP\n"
FIRST = 64
SUFFIX = ".spool"
_HEAD = struct.Struct(">8sHHI")
_PROGRESS = struct.Struct(">QIIII")
_CRC = struct.Struct(">I")
_FRAME = struct.Struct(">4sII")
FRAME_HEAD = _FRAME.size
_AT = _HEAD.size
_END = _AT + _PROGRESS.size


class Newer(Exception):
    """A file that a newer version of this package has written: it is left as it is."""


@dataclass(slots=True)
class Progress:
    """How far a file was written and delivered.

    Attributes:
        offset: Where the first entry lies that was not delivered.
        entries, jobs: How many were written.
        delivered, delivered_jobs: How many of them were delivered.
    """

    offset: int = FIRST
    entries: int = 0
    jobs: int = 0
    delivered: int = 0
    delivered_jobs: int = 0

    def packed(self) -> bytes:
        """Its bytes, which belong at `PROGRESS_AT`."""
        packed = _PROGRESS.pack(self.offset, self.entries, self.jobs, self.delivered, self.delivered_jobs)
        return packed + _CRC.pack(zlib.crc32(packed))


PROGRESS_AT = _AT


def preamble(progress: Progress) -> bytes:
    """The first bytes of a file."""
    return (_HEAD.pack(MAGIC, VERSION, FORM, 0) + progress.packed()).ljust(FIRST, b"\0")


def read_preamble(data: bytes) -> Progress | None:
    """How far a file has come; None for bytes that are no file of ours.

    A progress that was torn is that of a file of which nothing was delivered: what is delivered again is known to
    Redis.

    Raises:
        Newer: It is of a format, or has pushes of a form, that this version does not know.

    Example:
        >>> read_preamble(preamble(Progress(offset=64, entries=2, jobs=5))).jobs
        5
        >>> read_preamble(b"something else") is None
        True
    """
    if len(data) < FIRST or not data.startswith(MAGIC):
        return None
    _magic, version, form, _nothing = _HEAD.unpack_from(data)
    if version > VERSION or form > FORM:
        raise Newer(f"its format is {version}.{form}, this version knows up to {VERSION}.{FORM}")
    packed = data[_AT:_END]
    if zlib.crc32(packed) != _CRC.unpack_from(data, _END)[0]:
        return Progress()
    return Progress(*_PROGRESS.unpack(packed))


def framed(body: bytes) -> bytes:
    """A body as it lies in a file."""
    return _FRAME.pack(FRAME, len(body), zlib.crc32(body)) + body


def frame_length(head: bytes) -> int | None:
    """How long the body behind these bytes is; None when they are no head of a frame."""
    if len(head) < FRAME_HEAD or not head.startswith(FRAME):
        return None
    return int(_FRAME.unpack_from(head)[1])


def is_whole(head: bytes, body: bytes) -> bool:
    """True when a body is the one that its head says."""
    _magic, length, crc = _FRAME.unpack_from(head)
    return bool(len(body) == length and zlib.crc32(body) == crc)


# -- bodies ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Entry:
    """A push in a file.

    Attributes:
        push: The push.
        number: Its number in the file, from 1.
        at_ms: When it was kept, by this machine's clock.
    """

    push: Undelivered
    number: int
    at_ms: int


def to_body(push: Undelivered, number: int, at_ms: int) -> bytes:
    """A push as JSON; bytes that are no text come back as they were.

    Example:
        >>> entry = from_body(to_body(Undelivered(["j1"], ["lane", "q"], [1, 60, b"\\xff{}"], True), 7, 1000))
        >>> entry.push.words, entry.push.in_doubt, entry.number
        ([1, 60, b'\\xff{}'], True, 7)
    """
    words = [word.decode("utf-8", "surrogateescape") if isinstance(word, bytes) else word for word in push.words]
    body: dict[str, Any] = {"n": number, "at": at_ms, "doubt": push.in_doubt, "jids": push.jids}
    body |= {"keys": push.keys, "words": words, "memory": push.memory}
    return json.dumps(body, separators=(",", ":")).encode()


def from_body(body: bytes) -> Entry:
    """What `to_body` has written."""
    read = json.loads(body)
    words = [word.encode("utf-8", "surrogateescape") if isinstance(word, str) else word for word in read["words"]]
    push = Undelivered(read["jids"], read["keys"], words, read["doubt"], read["memory"])
    return Entry(push, read["n"], read["at"])
