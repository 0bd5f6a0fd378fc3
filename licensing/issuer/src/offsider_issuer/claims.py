"""A licence as it is signed and as it is written into a file. What a licence is, `offsider_licensing` says."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from offsider_licensing import LicenseError
from offsider_licensing.armour import BEGIN, COLUMNS, END
from offsider_licensing.armour import token_of as token_in
from offsider_licensing.claims import Claims, checked
from offsider_licensing.license import day
from offsider_licensing.verify import ALGORITHM, verify

from .errors import InvalidLicense


def sign(claims: Claims, kid: str, private: Ed25519PrivateKey) -> str:
    """The token of a licence: a compact JWS."""
    return jwt.encode(claims.model_dump(), private, algorithm=ALGORITHM, headers={"kid": kid})


def armour(token: str, claims: Claims) -> str:
    """The licence file: a frame, three lines for people, and the token in lines of 64 columns."""
    head = [f"Customer: {claims.sub}", f"Edition: {claims.aud[0].capitalize()}", f"Expires: {day(claims.exp)}"]
    lines = [token[start : start + COLUMNS] for start in range(0, len(token), COLUMNS)]
    return "\n".join([BEGIN, *head, "", *lines, END, ""])


def token_of(text: str) -> str:
    """The token in a licence file, or in one line.

    Raises:
        InvalidLicense: There is none.
    """
    try:
        token = token_in(text)
    except LicenseError as error:
        raise InvalidLicense(error.problem) from None
    if token is None:
        raise InvalidLicense("this is the evaluation licence, which nobody issues")
    return token


def verified(token: str, keys: Mapping[str, str]) -> Claims:
    """What a licence says, if one of these keys has signed it. Its end is not looked at.

    Args:
        token: The token.
        keys: kid → public key, base64 of its 32 bytes.

    Raises:
        InvalidLicense: None of them has signed it, or it is no licence.
    """
    try:
        return verify(token, keys=keys, revoked=())
    except LicenseError as error:
        raise InvalidLicense(error.problem) from None


def unverified(token: str) -> Claims:
    """What a token says, whoever has written it.

    Raises:
        InvalidLicense: It cannot be read.
    """
    said = _part(token, 1)
    try:
        return checked(said)
    except LicenseError as error:
        raise InvalidLicense(error.problem) from None


def kid_of(token: str) -> str:
    """The name of the key that is said to have signed a token. Nothing is verified.

    Raises:
        InvalidLicense: Its head cannot be read.
    """
    kid = _part(token, 0).get("kid")
    if not isinstance(kid, str):
        raise InvalidLicense(f"the head of the token has the kid {kid!r:.60}: expected the name of a key")
    return kid


def _part(token: str, number: int) -> dict[str, object]:
    try:
        part = token.split(".")[number]
        said = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, IndexError, RecursionError) as error:
        raise InvalidLicense(f"the token is damaged: {error}") from None
    if not isinstance(said, dict):
        raise InvalidLicense(f"the token is damaged: a part of it is {type(said).__name__}, expected an object")
    return said
