"""The gate: one call when an edition is installed. Offline, under 5 ms, and never asked again."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Mapping

from .armour import token_of
from .errors import LicenseError, LicenseForOther
from .license import License, evaluation, from_claims
from .locate import Found, find
from .policy import check

Given = str | os.PathLike[str] | None


def require(
    edition: str,
    *,
    built: str | None,
    license: Given = None,
    env: Mapping[str, str] | None = None,
    paths: Iterable[str | os.PathLike[str]] | None = None,
    now_s: float | None = None,
    keys: Mapping[str, str] | None = None,
    revoked: Collection[str] | None = None,
) -> License:
    """The licence that lets an edition start.

    Args:
        edition: Its name, as it stands in the licence.
        built: Its build date, ``YYYY-MM-DD``; None for a source tree.
        license: A licence's text or the path of its file; looked for when None.
        env: The environment; the process's own when None.
        paths: The files to look for; those of this system when None.
        now_s: The clock; the system's when None.
        keys: Public keys; the vendor's when None. For tests: no edition gives any.
        revoked: Ids of licences that were taken back; the vendor's when None. For tests.

    Raises:
        LicenseError: There is none, or it does not hold; a subclass says which.

    Example:
        >>> require("pro", built=None, license="evaluation").evaluation
        True
    """
    found = find(license, env=os.environ if env is None else env, paths=paths)
    try:
        held = _read(found, keys, revoked)
        if edition not in held.editions:
            raise LicenseForOther(
                f"the licence {held.id} of {held.customer!r} is for {', '.join(held.editions)}, not for {edition}"
            )
        check(held, now_s=time.time() if now_s is None else now_s, built=built)
    except LicenseError as error:
        error.looked = found.looked
        raise
    return held


def examine(
    license: Given = None,
    *,
    env: Mapping[str, str] | None = None,
    paths: Iterable[str | os.PathLike[str]] | None = None,
    keys: Mapping[str, str] | None = None,
    revoked: Collection[str] | None = None,
) -> License:
    """The licence that there is, for whichever edition and whether it has ended or not: for who wants to see it.

    Raises:
        LicenseError: There is none, or it is not one that the vendor has signed.
    """
    found = find(license, env=os.environ if env is None else env, paths=paths)
    try:
        return _read(found, keys, revoked)
    except LicenseError as error:
        error.looked = found.looked
        raise


def _read(found: Found, keys: Mapping[str, str] | None, revoked: Collection[str] | None) -> License:
    token = token_of(found.text)
    if token is None:
        return evaluation(found.source)
    from .public_keys import KEYS
    from .revoked import REVOKED
    from .verify import verify

    claims = verify(token, keys=KEYS if keys is None else keys, revoked=REVOKED if revoked is None else revoked)
    return from_claims(claims, found.source)
