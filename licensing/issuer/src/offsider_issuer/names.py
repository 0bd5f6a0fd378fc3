"""Random names: licence ids, key ids, index keys. All are lower-case base32, which survives every mail and URL."""

from __future__ import annotations

import base64
import hashlib
import secrets

_ID_BYTES = 10  # 80 bits: 16 letters, never twice
_KEY_BYTES = 20  # 160 bits: 32 letters, never guessed


def license_id() -> str:
    """A new licence id.

    Example:
        >>> len(license_id()), license_id()[:4]
        (20, 'lic_')
    """
    return f"lic_{_letters(_ID_BYTES)}"


def key_id() -> str:
    """A new user name at the private index."""
    return f"key_{_letters(_ID_BYTES)}"


def index_key() -> str:
    """A new password at the private index. ``osk_`` lets scanners of repositories recognise one that has leaked.

    Example:
        >>> len(index_key())
        36
    """
    return f"osk_{_letters(_KEY_BYTES)}"


def digest(key: str) -> str:
    """What is kept of an index key. It is random, so that one round of SHA-256 is as good as many.

    Example:
        >>> digest("osk_a")[:8]
        'c91e4fe0'
    """
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _letters(count: int) -> str:
    return base64.b32encode(secrets.token_bytes(count)).decode("ascii").lower()
