"""XAES-256-GCM, as C2SP specifies it: a key derived for each message. Knows nothing of jobs.

AES-256-GCM with random nonces has to end at 2**32 messages a key, which a busy application reaches in days. Here each
message has a nonce of 24 random bytes: the first half makes the key it is encrypted with, the second half is GCM's
nonce. So a key is good for 2**80 messages.
"""

from __future__ import annotations

import os
import threading
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

KEY_BYTES = 32
NONCE_BYTES = 24
TAG_BYTES = 16
_HALF = NONCE_BYTES // 2
_BLOCK = 16
# What goes before the first half of the nonce: a counter, the letter X and a zero (NIST SP 800-108r1, counter mode).
_FIRST = int.from_bytes(b"\x00\x01X\x00" + bytes(_HALF), "big")
_SECOND = int.from_bytes(b"\x00\x02X\x00" + bytes(_HALF), "big")
_CARRY = 0x87  # the polynomial of CMAC (NIST SP 800-38B)


class Xaes:
    """One key.

    Args:
        key: 32 random bytes.

    Example:
        >>> box = Xaes(bytes(range(32)))
        >>> box.open(box.seal(b"4111 1111", b"job 7"), b"job 7")
        b'4111 1111'
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._blocks = threading.local()  # a cipher of OpenSSL belongs to one thread
        mask = int.from_bytes(self._cipher().update(bytes(_BLOCK)), "big") << 1
        if mask >> 128:
            mask = (mask ^ _CARRY) & ((1 << 128) - 1)
        self._first, self._second = _FIRST ^ mask, _SECOND ^ mask

    def seal(self, plaintext: bytes, context: bytes, nonce: bytes | None = None) -> bytes:
        """The nonce, then what was encrypted, with its tag of 16 bytes.

        Args:
            plaintext: What nobody is to read.
            context: What it belongs to; `open` has to be given the same.
            nonce: For tests against published values; 24 random bytes when None.
        """
        nonce = nonce or os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self._derived(nonce)).encrypt(nonce[_HALF:], plaintext, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """What was sealed.

        Raises:
            InvalidTag: It was sealed with another key, or for another context, or was changed.
        """
        nonce = sealed[:NONCE_BYTES]
        return AESGCM(self._derived(nonce)).decrypt(nonce[_HALF:], sealed[NONCE_BYTES:], context)

    def _derived(self, nonce: bytes) -> bytes:
        half = int.from_bytes(nonce[:_HALF], "big")
        words = (self._first ^ half).to_bytes(_BLOCK, "big") + (self._second ^ half).to_bytes(_BLOCK, "big")
        derived: bytes = self._cipher().update(words)
        return derived

    def _cipher(self) -> Any:
        """AES on single blocks, of this thread: made once, it halves the time of a message."""
        try:
            return self._blocks.cipher
        except AttributeError:
            cipher = self._blocks.cipher = Cipher(AES(self._key), ECB()).encryptor()  # noqa: S305 - a PRF on blocks
            return cipher
