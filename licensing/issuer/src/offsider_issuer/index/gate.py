"""Who asks: HTTP basic credentials to the holder of an index key, and how often they may."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import logging
import math
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request

from ..ledger import Ledger
from ..names import digest
from ..records import Holder
from .bucket import Buckets

REALM = 'Basic realm="Offsider packages", charset="UTF-8"'
MOST_HEADER_LETTERS = 512
WRONG_COSTS = 10.0  # a wrong key costs an address as much as ten requests

HOW = "Use the key of your licence: https://KEY_ID:KEY@HOST/simple/ (KEY_ID begins with key_, KEY with osk_).\n"
_NOBODY = digest("")
_log = logging.getLogger("offsider_issuer.index")


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets holders of a key in.

    Duties: counts requests of each address before anything is looked up, and of each key after; compares hashes in
    constant time; says 401 to everybody else, and never why, except to whoever holds the key.
    """

    addresses: Buckets
    keys: Buckets

    def admit(self, request: Request, ledger: Ledger) -> Holder:
        """The holder of the key that came with a request.

        Raises:
            HTTPException: 429, with the seconds to wait; 401 for no, wrong or revoked credentials.
        """
        address = network(address_of(request))
        _wait(self.addresses.take(address))
        given = credentials(request.headers.get("authorization", ""))
        if given is None:
            raise _unauthorised(HOW)
        key_id, key = given
        holder = ledger.holder(key_id)
        # Compared even when there is nobody of this name, so that both take the same time.
        right = hmac.compare_digest(digest(key), holder.key_sha256 if holder else _NOBODY)
        if holder is None or not right:
            self.addresses.charge(address, WRONG_COSTS - 1)
            _log.warning("wrong credentials: key_id %r from %s", key_id[:40], address_of(request))
            raise _unauthorised(f"These credentials are not known. {HOW}")
        if holder.revoked:
            raise _unauthorised("The licence of this key was revoked. Write to whom you bought it from.\n")
        _wait(self.keys.take(key_id))
        return holder


def credentials(header: str) -> tuple[str, str] | None:
    """User name and password of an Authorization header; None when it has none.

    Example:
        >>> credentials("Basic a2V5X2E6b3NrX2I=")
        ('key_a', 'osk_b')
        >>> credentials("Bearer a2V5X2E6b3NrX2I=") is None
        True
    """
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic" or len(header) > MOST_HEADER_LETTERS:
        return None
    try:
        text = base64.b64decode(encoded.strip().encode("ascii"), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    name, colon, password = text.partition(":")
    return (name, password) if colon else None


def address_of(request: Request) -> str:
    """Where a request comes from."""
    return request.client.host if request.client else "unknown"


def network(address: str) -> str:
    """What counts as one address: an IPv4 address, a /64 of IPv6.

    Example:
        >>> network("192.0.2.7"), network("2001:db8::1:2:3:4"), network("?")
        ('192.0.2.7', '2001:db8::/64', '?')
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return address if parsed.version == 4 else str(ipaddress.ip_network((parsed, 64), strict=False))


def _wait(seconds: float) -> None:
    if seconds:
        wait = str(math.ceil(seconds))
        raise HTTPException(429, f"Too many requests: try again in {wait} s.\n", headers={"Retry-After": wait})


def _unauthorised(text: str) -> HTTPException:
    return HTTPException(401, text, headers={"WWW-Authenticate": REALM})
