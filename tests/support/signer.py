"""Signs licences for tests, with a key of its own: good ones, odd ones, and whatever forgeries are made of."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

KID = "test-1"
DAY_S = 86_400
NOW_S = 1_800_000_000  # in January 2027
MISSING = object()
COLUMNS = 64


class Signer:
    """Signs what it is told to."""

    def __init__(self, kid: str = KID) -> None:
        self.kid = kid
        self.private = Ed25519PrivateKey.generate()
        self.raw_public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def keys(self) -> dict[str, str]:
        """Its public key, as the package carries the real ones."""
        return {self.kid: base64.b64encode(self.raw_public).decode("ascii")}

    def claims(self, **changed: Any) -> dict[str, Any]:
        """The claims of a good licence, with some changed or, when `MISSING`, left out."""
        claims = {
            "iss": "offsider",
            "sub": "Acme Pty Ltd",
            "jti": "lic_abcdefghij234567",
            "aud": ["enterprise", "pro"],
            "iat": NOW_S - 100 * DAY_S,
            "exp": NOW_S + 100 * DAY_S,
            "grace_days": 30,
            "limits": {"threads": 100},
            "key_id": "key_abcdefghij234567",
            **changed,
        }
        return {name: value for name, value in claims.items() if value is not MISSING}

    def header(self, **changed: Any) -> dict[str, Any]:
        """The header of a good licence, with some changed or, when `MISSING`, left out."""
        header = {"alg": "EdDSA", "kid": self.kid, "typ": "JWT", **changed}
        return {name: value for name, value in header.items() if value is not MISSING}

    def token(self, header: Mapping[str, Any] | None = None, **changed: Any) -> str:
        """A signed token."""
        return self.sign(as_json(self.header() if header is None else header), as_json(self.claims(**changed)))

    def sign(self, header: bytes, payload: bytes) -> str:
        """These very bytes, signed."""
        message = f"{base64url(header)}.{base64url(payload)}"
        return f"{message}.{base64url(self.private.sign(message.encode('ascii')))}"

    def file(self, **changed: Any) -> str:
        """A licence's file."""
        return armoured(self.token(**changed))


def armoured(token: str, **headers: str) -> str:
    """The armour around a token."""
    named = {"Customer": "Acme Pty Ltd", "Edition": "enterprise", "Expires": "2027-04-25", **headers}
    body = [token[at : at + COLUMNS] for at in range(0, len(token), COLUMNS)]
    head = [f"{name}: {value}" for name, value in named.items()]
    return "\n".join(["-----BEGIN OFFSIDER LICENSE-----", *head, "", *body, "-----END OFFSIDER LICENSE-----", ""])


def as_json(value: Any) -> bytes:
    """Compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def base64url(raw: bytes) -> str:
    """Without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
