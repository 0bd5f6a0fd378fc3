"""The licence as text: armoured, as one bare line, or the word ``evaluation``. Trusts nothing of it."""

from __future__ import annotations

import re

from .errors import LicenseMalformed, LicenseUnreadable

EVALUATION = "evaluation"
BEGIN = "-----BEGIN OFFSIDER LICENSE-----"
END = "-----END OFFSIDER LICENSE-----"
COLUMNS = 64
MOST_BYTES = 65_536

_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_BODY = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_HEADER = re.compile(r"[A-Z][A-Za-z-]{0,30}: \S.{0,250}")


def decoded(raw: bytes) -> str:
    """A file's bytes as text.

    Raises:
        LicenseUnreadable: Too many of them.
        LicenseMalformed: They are not UTF-8.
    """
    if len(raw) > MOST_BYTES:
        raise LicenseUnreadable(f"the licence is larger than {MOST_BYTES:,} bytes; one has about 1,000")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LicenseMalformed(f"the licence is not UTF-8 text (byte {error.start} of {len(raw)})") from None


def token_of(text: str) -> str | None:
    """The signed token in it; None for the evaluation licence.

    CRLF, blanks at the ends of lines and a byte order mark are taken; anything else than the three forms is not.

    Raises:
        LicenseUnreadable: It is too large.
        LicenseMalformed: It is none of the three.
    """
    if len(text) > MOST_BYTES:
        raise LicenseUnreadable(f"the licence is larger than {MOST_BYTES:,} letters; one has about 1,000")
    lines = [line.rstrip(" \t") for line in text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    if not lines:
        raise LicenseMalformed("the licence is empty")
    if lines == [EVALUATION]:
        return None
    token = _unwrapped(lines) if lines[0] == BEGIN else _bare(lines)
    if not _TOKEN.fullmatch(token):
        raise LicenseMalformed("the licence is damaged: what it carries is not three parts in base64url")
    return token


def looks_like_text(text: str) -> bool:
    """True for what can only be a licence's text, never a path."""
    return text.strip() == EVALUATION or "-----" in text or "\n" in text or _TOKEN.fullmatch(text.strip()) is not None


def _bare(lines: list[str]) -> str:
    if any("OFFSIDER LICENSE" in line for line in lines):
        raise LicenseMalformed(f"the licence does not begin with the line {BEGIN}")
    if len(lines) > 1:
        raise LicenseMalformed(
            f"the licence has {len(lines)} lines and no armour: expected {BEGIN} … {END}, or the token in one line"
        )
    return lines[0]


def _unwrapped(lines: list[str]) -> str:
    if lines[-1] != END or lines.count(BEGIN) > 1 or lines.count(END) > 1:
        raise LicenseMalformed(f"the licence does not end with the one line {END}: it is cut off, or more than one")
    inside = lines[1:-1]
    if "" in inside:
        gap = inside.index("")
        head, inside = inside[:gap], inside[gap + 1 :]
        if not all(_HEADER.fullmatch(line) for line in head):
            raise LicenseMalformed("the licence has a line above its empty line that is no `Name: value`")
    if not inside or not all(_BODY.fullmatch(line) for line in inside):
        raise LicenseMalformed("the licence is damaged: a line in it is empty, too long, or has other letters")
    if any(len(line) != COLUMNS for line in inside[:-1]):
        raise LicenseMalformed(f"the licence is damaged: a line in it has not {COLUMNS} letters")
    return "".join(inside)
