"""Signing keys: made, kept in files of the vendor's folder, loaded. A private key never leaves this module's types."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from .errors import SigningKeyError
from .folder import Folder, refuse_if_open, write_new

Passphrase = Callable[[str], bytes]

_KID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs licences."""

    kid: str
    private: Ed25519PrivateKey

    @property
    def public(self) -> str:
        """Its public half: base64 of 32 bytes, as the packages carry it."""
        raw = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return base64.b64encode(raw).decode("ascii")


def create(folder: Folder, kid: str, passphrase: bytes | None = None) -> SigningKey:
    """Make a key, and its two files.

    Raises:
        SigningKeyError: The name has letters it cannot have.
        FolderError: There is such a key already.
    """
    path = _private_file(folder, kid)
    key = SigningKey(kid, Ed25519PrivateKey.generate())
    sealed: KeySerializationEncryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed)
    write_new(path, pem.decode("ascii"))
    write_new(folder.keys / f"{kid}.pub", f"{key.public}\n")
    return key


def load(folder: Folder, kid: str | None, ask: Passphrase) -> SigningKey:
    """A key of the folder; without a name, its only one.

    Args:
        folder: The vendor's folder.
        kid: The key's name.
        ask: Gives the passphrase of the key of this name, when it is sealed with one.

    Raises:
        SigningKeyError: It is not there, cannot be opened, or there are several.
        FolderError: Others can read its file.
    """
    path = _private_file(folder, kid or _only(folder))
    if not path.is_file():
        raise SigningKeyError(f"there is no signing key {path}: make one with `offsider-issuer keygen`")
    refuse_if_open(path)
    private = _opened(path, ask)
    if not isinstance(private, Ed25519PrivateKey):
        raise SigningKeyError(f"{path} holds a key of another kind: expected Ed25519, made by `offsider-issuer keygen`")
    return SigningKey(path.stem, private)


def public_keys(folder: Folder) -> dict[str, str]:
    """kid → public key, of all keys whose public half is in the folder."""
    return {path.stem: path.read_text("ascii").strip() for path in sorted(folder.keys.glob("*.pub"))}


def next_kid(folder: Folder, year: int) -> str:
    """The next free name of a key in a year: ``offsider-2026-1``, ``offsider-2026-2``, …"""
    taken = {path.stem for path in folder.keys.iterdir()} if folder.keys.is_dir() else set()
    numbers = range(1, len(taken) + 2)
    return next(name for number in numbers if (name := f"offsider-{year}-{number}") not in taken)


def _private_file(folder: Folder, kid: str) -> Path:
    if not _KID.fullmatch(kid):
        raise SigningKeyError(
            f"the kid is {kid!r}: expected 1 to 64 of a-z 0-9 . _ -, beginning with a letter or digit"
        )
    return folder.keys / f"{kid}.pem"


def _only(folder: Folder) -> str:
    found = sorted(path.stem for path in folder.keys.glob("*.pem"))
    if len(found) > 1:
        raise SigningKeyError(f"there are several signing keys, {', '.join(found)}: say which with --kid")
    if not found:
        raise SigningKeyError(f"there is no signing key in {folder.keys}: make one with `offsider-issuer keygen`")
    return found[0]


def _opened(path: Path, ask: Passphrase) -> object:
    pem = path.read_bytes()
    sealed = b"ENCRYPTED" in pem.partition(b"\n")[0]
    try:
        return load_pem_private_key(pem, ask(path.stem) if sealed else None)
    except (ValueError, TypeError):
        reason = "the passphrase is wrong, or the file is damaged" if sealed else "the file is damaged"
        raise SigningKeyError(f"the signing key {path} cannot be opened: {reason}") from None
