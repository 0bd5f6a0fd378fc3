"""From a token to its claims: the signature first, then what it says. Offline; every refusal is a `LicenseError`."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from .errors import LicenseError, LicenseForged, LicenseMalformed, LicenseRevoked

if TYPE_CHECKING:
    from .claims import Claims

ALGORITHM = "EdDSA"
KEY_BYTES = 32
SIGNATURE_BYTES = 64
HEADER = frozenset({"alg", "kid", "typ"})


def verify(token: str, *, keys: Mapping[str, str], revoked: Collection[str]) -> Claims:
    """The claims of a token that one of the keys has signed.

    Args:
        token: Three parts in base64url.
        keys: Key id → the public key's 32 bytes in base64.
        revoked: Ids of licences that do not hold any more.

    Raises:
        LicenseMalformed: It is no token, or its claims are not a licence's.
        LicenseForged: It was not signed by one of the keys.
        LicenseRevoked: It was taken back.
    """
    from .claims import checked

    parts = token.split(".")
    if len(parts) != 3:
        raise LicenseMalformed(f"the licence is damaged: it has {len(parts)} parts; expected 3")
    header, payload, signature = (_decoded(part) for part in parts)
    key = _key(_object(header, "header"), keys)
    if len(signature) != SIGNATURE_BYTES:
        raise LicenseForged(f"the licence's signature has {len(signature)} bytes; expected {SIGNATURE_BYTES}")
    _check_signature(token, key)
    claims = checked(_object(payload, "claims"))
    if claims.jti in revoked:
        raise LicenseRevoked(f"the licence {claims.jti} of {claims.sub!r} was revoked by the vendor")
    return claims


def _decoded(part: str) -> bytes:
    """Base64url in the one way to write these bytes: a licence has one text."""
    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise LicenseMalformed("the licence is damaged: a part of it is not base64url") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") != part:
        raise LicenseMalformed("the licence is damaged: a part of it is not written as base64url writes it")
    return raw


def _object(raw: bytes, what: str) -> dict[str, Any]:
    """A JSON object with each name once, and nothing that JSON does not have."""
    try:
        found = json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except LicenseError:
        raise
    except (ValueError, RecursionError, MemoryError):
        raise LicenseMalformed(f"the licence is damaged: its {what} cannot be read as JSON") from None
    if not isinstance(found, dict):
        raise LicenseMalformed(f"the licence's {what} is a {type(found).__name__}; expected an object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise LicenseMalformed("the licence says something twice: a name stands twice in one of its objects")
    return made


def _no_constant(name: str) -> NoReturn:
    raise LicenseMalformed(f"the licence has the number {name}, which JSON does not have")


def _key(header: dict[str, Any], keys: Mapping[str, str]) -> bytes:
    """The key that the header names. The header chooses among ours; it can bring neither a key nor an algorithm."""
    if header.keys() != HEADER:
        wrong = ", ".join(sorted(f"{name!r:.20}" for name in header.keys() ^ HEADER))
        raise LicenseForged(f"the licence's header has too much or too little: {wrong}; expected alg, kid, typ")
    if header["alg"] != ALGORITHM:
        raise LicenseForged(f"the licence is signed with {header['alg']!r:.20}; expected {ALGORITHM!r}")
    if header["typ"] != "JWT":
        raise LicenseForged(f"the licence is a {header['typ']!r:.20}; expected a 'JWT'")
    kid = header["kid"]
    if not isinstance(kid, str) or kid not in keys:
        raise LicenseForged(
            f"the licence is signed with the key {kid!r:.60}, which this version does not know; it knows"
            f" {', '.join(keys) or 'none'}"
        )
    raw = base64.b64decode(keys[kid], validate=True)
    if len(raw) != KEY_BYTES:
        raise LicenseForged(f"the public key {kid!r} has {len(raw)} bytes, not {KEY_BYTES}: reinstall this edition")
    return raw


def _check_signature(token: str, raw_key: bytes) -> None:
    """Imported here: a process that runs with the evaluation licence, or without one, never pays for it."""
    import jwt
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key = Ed25519PublicKey.from_public_bytes(raw_key)
    try:
        jwt.PyJWS(algorithms=[ALGORITHM]).decode(token, key=key, algorithms=[ALGORITHM])
    except jwt.PyJWTError:
        raise LicenseForged("the licence's signature does not hold: it was changed, or is not the vendor's") from None
