"""What lies in Redis instead of a value: which key, and what was encrypted with it, as one text.

``ofs1.KEY.BASE64``: a name of a key, then its fingerprint, the nonce, the ciphertext and its tag, in the one form of
base64 that is right. Every other text is refused.
"""

from __future__ import annotations

import json
from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag

from offsider.errors import InvalidSetting, Malformed, NotJson
from offsider.job.record import dumps

from .key import FINGERPRINT_BYTES, checked_id
from .xaes import NONCE_BYTES, TAG_BYTES

if TYPE_CHECKING:
    from .key import Key

MARK = "ofs1"
LEAST_BYTES = FINGERPRINT_BYTES + NONCE_BYTES + TAG_BYTES
PAD_TO = 32  # bytes: of short values not even the length is told
_VALUE = "v"
_read = json.JSONDecoder().decode


class Refused(Malformed):
    """What should be a token is none, or is not what was written for this place."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a value belongs to: it can be read nowhere else.

    Attributes:
        namespace: Of the app.
        jid: Of the job.
        name: Of the job: its ``class``.
        part: Where in the job: an argument, the error's message …

    Example:
        >>> Place("shop", "b4a5", "pay", "card").context("2026b")
        b'ofs1,5:2026b,4:shop,4:b4a5,3:pay,4:card,'
    """

    namespace: str
    jid: str
    name: str
    part: str

    def context(self, key_id: str) -> bytes:
        """The bytes that are authenticated: each part with its length, so that no two places have the same."""
        parts = (key_id, self.namespace, self.jid, self.name, self.part)
        return f"{MARK},{''.join(f'{len(one)}:{one},' for one in parts)}".encode()


@dataclass(frozen=True, slots=True)
class Token:
    """A token, taken apart.

    Attributes:
        key_id: The name of its key.
        fingerprint: The secret's.
        sealed: Nonce, ciphertext and tag.
    """

    key_id: str
    fingerprint: bytes
    sealed: bytes


def seal(value: Any, key: Key, place: Place) -> str:
    """A JSON value as a token.

    Raises:
        NotJson: JSON cannot carry it.
        PayloadTooLarge: Over 16 MB.
    """
    plaintext = _written(value, place)
    padded = plaintext.ljust(-(-len(plaintext) // PAD_TO) * PAD_TO)
    sealed = key.fingerprint + key.box.seal(padded, place.context(key.id))
    return f"{MARK}.{key.id}.{b2a_base64(sealed, newline=False).decode('ascii')}"


def open_token(token: Token, key: Key, place: Place) -> Any:
    """The value of a token.

    Raises:
        Refused: It was written for another place, or changed.
    """
    try:
        plaintext = key.box.open(token.sealed, place.context(token.key_id))
    except InvalidTag:
        raise Refused(
            f"its {place.part} was encrypted for another job or argument, or has been changed: it is not what was"
            " written here"
        ) from None
    return _read(plaintext.decode("utf-8"))[_VALUE]


def _written(value: Any, place: Place) -> bytes:
    try:
        if type(value) is str:  # most secrets are: a third of the time
            return f'{{"{_VALUE}":{encode_basestring(value)}}}'.encode()
        return dumps({_VALUE: value})
    except (NotJson, UnicodeEncodeError):
        # Its own message shows the value.
        raise NotJson(f"job {place.name!r}: its {place.part} is, or has in it, what JSON cannot carry") from None


def parse(text: object, part: str) -> Token:
    """The parts of a token.

    Args:
        text: What lies there.
        part: The place, for messages.

    Raises:
        Refused: It is no token: plain text, or changed.
    """
    mark, _dot, rest = text.partition(".") if isinstance(text, str) else ("", "", "")
    key_id, dot, body = rest.partition(".")
    if mark != MARK or not dot:
        raise Refused(f"its {part} is plain where something encrypted is expected: somebody has put it there")
    try:
        checked_id(key_id)
        raw = a2b_base64(body)
        canonical = b2a_base64(raw, newline=False).decode("ascii") == body
    except (ValueError, InvalidSetting):
        canonical, raw = False, b""
    if not canonical or len(raw) < LEAST_BYTES:
        raise Refused(f"its {part} begins like something encrypted and is not: it was changed")
    return Token(key_id, raw[:FINGERPRINT_BYTES], raw[FINGERPRINT_BYTES:])


def is_token(text: object) -> bool:
    """True for what looks like a token."""
    return isinstance(text, str) and text.startswith(f"{MARK}.")
