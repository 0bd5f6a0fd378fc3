"""Licences and index keys in the ledger: issued, renewed, revoked, found."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from offsider_licensing.claims import Claims, Limits

from . import names
from .claims import sign, verified
from .database import change
from .errors import TermsError, UnknownLicense
from .keys import SigningKey
from .records import Holder, License
from .terms import EDITIONS, Terms, customer_name, end_s

_COLUMNS = (
    "license_id, key_id, customer, edition, issued_s, ends_s, grace_days, threads, renews, token, revoked_s, reason"
)
_SELECT = f"SELECT {_COLUMNS} FROM licenses JOIN keys USING (key_id)"  # noqa: S608 - our own column names


@dataclass(frozen=True, slots=True)
class Issued:
    """A new licence, and the index key of a new customer: the only moment in which it is known."""

    license: License
    index_key: str


class Ledger:
    """The vendor's licences.

    Duties: gives out ids and keys, signs, keeps what was issued with only the hash of the index key, writes down
    who did what. Each change is one transaction.
    """

    def __init__(self, connection: sqlite3.Connection, now_s: Callable[[], float]) -> None:
        self._db = connection
        self._now_s = now_s

    def issue(self, customer: str, terms: Terms, key: SigningKey) -> Issued:
        """A licence for a new customer, or a further index key for one.

        Raises:
            TermsError: No licence can have these terms.
        """
        customer, index_key, key_id = customer_name(customer), names.index_key(), names.key_id()
        made = self._signed(customer, key_id, terms, key, renews=None)
        with change(self._db, made.issued_s, "issue", f"{made.license_id} {key_id} {made.edition} until {made.ends}"):
            row = (key_id, names.digest(index_key), customer, made.issued_s)
            self._db.execute("INSERT INTO keys VALUES (?, ?, ?, ?)", row)
            self._insert(made)
        return Issued(made, index_key)

    def renew(self, license_id: str, terms: Terms, key: SigningKey) -> License:
        """A licence that follows another one: the same customer, the same index key.

        Raises:
            UnknownLicense: There is no such licence.
            TermsError: It was revoked, or no licence can have these terms.
        """
        old = self.find(license_id)
        if old.revoked_s is not None:
            raise TermsError(f"{license_id} was revoked: issue a new licence instead")
        made = self._signed(old.customer, old.key_id, terms, key, renews=license_id)
        with change(self._db, made.issued_s, "renew", f"{license_id} by {made.license_id} until {made.ends}"):
            self._insert(made)
        return made

    def revoke(self, license_id: str, reason: str) -> License:
        """Revoke a licence. One that is revoked already stays as it is.

        Raises:
            UnknownLicense: There is no such licence.
        """
        if self.find(license_id).revoked_s is None:
            now_s = int(self._now_s())
            with change(self._db, now_s, "revoke", f"{license_id}: {reason}"):
                row = (now_s, reason, license_id)
                self._db.execute("UPDATE licenses SET revoked_s = ?, reason = ? WHERE license_id = ?", row)
        return self.find(license_id)

    def new_key(self, key_id: str) -> str:
        """A new index key under the same user name. The old one ends at once.

        Raises:
            UnknownLicense: There is no such user name.
        """
        index_key = names.index_key()
        self._holder_or_raise(key_id)
        with change(self._db, int(self._now_s()), "new-key", key_id):
            self._db.execute("UPDATE keys SET key_sha256 = ? WHERE key_id = ?", (names.digest(index_key), key_id))
        return index_key

    def find(self, license_id: str) -> License:
        """A licence by its id.

        Raises:
            UnknownLicense: There is no such licence.
        """
        row = self._db.execute(f"{_SELECT} WHERE license_id = ?", (license_id,)).fetchone()
        if row is None:
            raise UnknownLicense(f"there is no licence {license_id!r} in the ledger: see `offsider-issuer list`")
        return License(*row)

    def licenses(self) -> list[License]:
        """All licences, those that end first before the others."""
        return [License(*row) for row in self._db.execute(f"{_SELECT} ORDER BY ends_s, license_id")]

    def holder(self, key_id: str) -> Holder | None:
        """Who has this user name at the index."""
        key = self._db.execute("SELECT key_id, key_sha256, customer FROM keys WHERE key_id = ?", (key_id,)).fetchone()
        rows = self._db.execute(f"{_SELECT} WHERE key_id = ? ORDER BY issued_s", (key_id,))
        if key is None:
            return None
        return Holder(key["key_id"], key["key_sha256"], key["customer"], tuple(License(*row) for row in rows))

    def _holder_or_raise(self, key_id: str) -> Holder:
        holder = self.holder(key_id)
        if holder is None:
            raise UnknownLicense(f"there is no index user {key_id!r}: expected a key_id of `offsider-issuer list`")
        return holder

    def _signed(self, customer: str, key_id: str, terms: Terms, key: SigningKey, renews: str | None) -> License:
        terms, now_s, license_id = terms.checked(), int(self._now_s()), names.license_id()
        ends_s = end_s(terms.ends)
        if ends_s <= now_s:
            raise TermsError(f"the licence would end on {terms.ends}, which is over: expected today or later")
        claims = Claims(
            iss="offsider", sub=customer, jti=license_id, aud=list(EDITIONS[terms.edition]), iat=now_s, exp=ends_s,
            grace_days=terms.grace_days, limits=Limits(threads=terms.threads), key_id=key_id,
        )  # fmt: skip
        token = sign(claims, key.kid, key.private)
        verified(token, {key.kid: key.public})  # by the code that customers have, before anybody is given it
        return License(
            license_id, key_id, customer, terms.edition, now_s, ends_s, terms.grace_days, terms.threads, renews, token
        )

    def _insert(self, made: License) -> None:
        row = (
            made.license_id, made.key_id, made.edition, made.issued_s, made.ends_s, made.grace_days, made.threads,
            made.renews, made.token,
        )  # fmt: skip
        self._db.execute("INSERT INTO licenses VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)", row)
