"""Finds the licence's text: the first place where there is one decides. Reads boundedly, regular files only."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from .armour import MOST_BYTES, decoded, looks_like_text
from .errors import LicenseError, LicenseMissing, LicenseUnreadable, Looked
from .places import files

VARIABLE = "OFFSIDER_LICENSE"
FILE_VARIABLE = "OFFSIDER_LICENSE_FILE"
ARGUMENT = "the argument license="

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NOT_THERE = (FileNotFoundError, NotADirectoryError)


class Found(NamedTuple):
    """A licence's text, where it was, and where else we looked before."""

    text: str
    source: str
    looked: tuple[Looked, ...]


def find(
    license: str | os.PathLike[str] | None,
    *,
    env: Mapping[str, str],
    paths: Iterable[str | os.PathLike[str]] | None = None,
) -> Found:
    """The text of the first licence that there is.

    Args:
        license: A licence's text or the path of its file, over everything else.
        env: The environment.
        paths: The files to look for after the variables; those of this system when None.

    Raises:
        LicenseMissing: There is none.
        LicenseUnreadable: The first one that there is cannot be read.
        LicenseMalformed: It is not text.
    """
    looked: list[Looked] = []
    try:
        return _find(license, env, files(env) if paths is None else paths, looked)
    except LicenseError as error:
        error.looked = tuple(looked)
        raise


def _find(
    license: str | os.PathLike[str] | None,
    env: Mapping[str, str],
    paths: Iterable[str | os.PathLike[str]],
    looked: list[Looked],
) -> Found:
    if license is not None:
        return _given(license, ARGUMENT, looked)
    looked.append(Looked(ARGUMENT, "not given"))
    if env.get(VARIABLE, "").strip():
        return _text(env[VARIABLE], VARIABLE, looked)
    looked.append(Looked(VARIABLE, "empty" if VARIABLE in env else "not set"))
    if env.get(FILE_VARIABLE, "").strip():
        return _file(env[FILE_VARIABLE], FILE_VARIABLE, looked)
    looked.append(Looked(FILE_VARIABLE, "empty" if FILE_VARIABLE in env else "not set"))
    for path in paths:
        if _exists(path, looked):
            return _file(path, "", looked)
    raise LicenseMissing("there is no licence")


def _given(license: object, place: str, looked: list[Looked]) -> Found:
    if isinstance(license, str) and (looks_like_text(license) or not license.strip()):
        return _text(license, place, looked)
    if isinstance(license, (str, os.PathLike)):
        return _file(license, place, looked)
    looked.append(Looked(place, f"a {type(license).__name__}"))
    raise LicenseUnreadable(f"the licence is given as a {type(license).__name__}; expected its text or its file's path")


def _text(text: str, place: str, looked: list[Looked]) -> Found:
    if place == VARIABLE and not looks_like_text(text):
        looked.append(Looked(place, "set, to what is no licence"))
        raise LicenseUnreadable(
            f"{VARIABLE} is set, and has no licence in it; expected its text. A path belongs into {FILE_VARIABLE}"
        )
    looked.append(Looked(place, "a licence's text"))
    return Found(text, place, tuple(looked))


def _file(path: str | os.PathLike[str], place: str, looked: list[Looked]) -> Found:
    name = _absolute(path)
    shown = f"{place} ({name})" if place else name
    try:
        raw = _read(path)
    except _NOT_THERE:
        looked.append(Looked(shown, "not there"))
        raise LicenseMissing(f"the licence's file {name} is not there") from None
    except LicenseUnreadable as error:
        looked.append(Looked(shown, "not readable"))
        raise LicenseUnreadable(f"the licence's file {name} {error.problem}") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        looked.append(Looked(shown, reason))
        raise LicenseUnreadable(f"the licence's file {name} cannot be read: {reason}") from None
    looked.append(Looked(shown, "a file"))
    return Found(decoded(raw), shown, tuple(looked))


def _read(path: str | os.PathLike[str]) -> bytes:
    """All of a regular file of a decent size. Nothing is waited for: a named pipe without a writer opens at once."""
    descriptor = os.open(path, _FLAGS)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise LicenseUnreadable(f"is {_kind(status.st_mode)}; expected a regular file")
        raw = bytearray()
        while len(raw) <= MOST_BYTES and (more := os.read(descriptor, MOST_BYTES + 1 - len(raw))):
            raw += more
    finally:
        os.close(descriptor)
    if len(raw) > MOST_BYTES:
        raise LicenseUnreadable(f"is larger than {MOST_BYTES:,} bytes; a licence has about 1,000")
    return bytes(raw)


def _exists(path: str | os.PathLike[str], looked: list[Looked]) -> bool:
    """Whether there is something, to be read or not. A folder that we may not look into cannot tell, and is passed."""
    name = _absolute(path)
    try:
        os.lstat(path)
    except _NOT_THERE:
        looked.append(Looked(name, "not there"))
        return False
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        looked.append(Looked(name, f"cannot be looked for: {reason}"))
        return False
    return True


def _absolute(path: str | os.PathLike[str]) -> str:
    """For messages: whole, and without letters that would break a line."""
    text = os.fspath(path)
    try:
        text = str(Path.cwd() / text)
    except OSError:
        return ascii(text)  # the current folder was removed
    return text if text.isprintable() else ascii(text)


def _kind(mode: int) -> str:
    known = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"))
    return next((name for test, name in known if test(mode)), "a device")
