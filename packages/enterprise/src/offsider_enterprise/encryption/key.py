"""One key of the ring: its name, what it can do, and nothing that shows it."""

from __future__ import annotations

import binascii
import hmac
import os
import re

from offsider.errors import InvalidSetting, shown

from .xaes import KEY_BYTES, Xaes

FINGERPRINT_BYTES = 4
_ID = re.compile(r"[A-Za-z0-9_-]{1,32}\Z")


class Key:
    """A secret of 32 bytes under a name.

    From the secret one key for encryption and one for digests are derived, and a fingerprint, which travels with
    everything that is encrypted: two secrets under one name are told apart.

    Args:
        key_id: Its name.
        secret: 32 random bytes.

    Attributes:
        id: Its name.
        fingerprint: Four bytes that name the secret and say nothing about it.
        box: Encrypts and decrypts.

    Example:
        >>> Key("2026b", bytes(range(32)))
        <Key 2026b 27bf0821>
    """

    def __init__(self, key_id: str, secret: bytes) -> None:
        self.id = key_id
        self.fingerprint = _derived(secret, b"fingerprint")[:FINGERPRINT_BYTES]
        self.box = Xaes(_derived(secret, b"encrypt"))
        self._digest = _derived(secret, b"digest")

    def digest(self, data: bytes) -> str:
        """A keyed hash, 64 hex letters: without the key nobody can tell what it is of by trying."""
        return hmac.new(self._digest, data, "sha256").hexdigest()

    def __repr__(self) -> str:
        return f"<Key {self.id} {self.fingerprint.hex()}>"


def checked_id(key_id: object) -> str:
    """The name itself when it may be one.

    Raises:
        InvalidSetting: It has other letters than ``A-Z a-z 0-9 _ -``, or not 1 to 32 of them.
    """
    if isinstance(key_id, str) and _ID.match(key_id):
        return key_id
    raise InvalidSetting(
        f"{shown(key_id)} is no name of a key: expected 1 to 32 letters out of A-Z a-z 0-9 _ -, e.g. 2026a"
    )


def made(key_id: str, given: object, where: str) -> Key:
    """A key of what somebody has given: 32 bytes, or the text that `generate` writes. Never shows what it was given.

    Args:
        key_id: The key's name.
        given: The bytes, or the text.
        where: Where it is from, for messages.

    Raises:
        InvalidSetting: It is no key.
    """
    secret = given if isinstance(given, bytes) and len(given) == KEY_BYTES else _decoded(given)
    if secret is None:
        raise InvalidSetting(
            f"the key {key_id!r} ({where}) is {_described(given)}: expected 32 random bytes as base64, 44 letters."
            " `offsider encryption keygen` makes one"
        )
    if len(set(secret)) < KEY_BYTES // 4:
        raise InvalidSetting(
            f"the key {key_id!r} ({where}) is not random: it has only {len(set(secret))} different bytes."
            " `offsider encryption keygen` makes one"
        )
    return Key(key_id, secret)


def generate() -> str:
    """A new key, as text.

    Example:
        >>> len(generate())
        44
    """
    return binascii.b2a_base64(os.urandom(KEY_BYTES), newline=False).decode("ascii")


def _decoded(given: object) -> bytes | None:
    try:
        text = given.decode("ascii") if isinstance(given, bytes) else str(given)
        secret = binascii.a2b_base64(text.strip(), strict_mode=True)
    except ValueError:
        return None
    return secret if len(secret) == KEY_BYTES else None


def _described(given: object) -> str:
    if isinstance(given, (str, bytes)):
        kind = "letters" if isinstance(given, str) else "bytes"
        return f"{len(given)} {kind} that are no key" if given.strip() else "empty"
    return f"of the type {type(given).__name__}"


def _derived(secret: bytes, purpose: bytes) -> bytes:
    """A key for one purpose: HKDF-Expand of one block, by HMAC-SHA256. The secret is random already."""
    return hmac.digest(secret, b"offsider encryption 1 " + purpose + b"\x01", "sha256")
