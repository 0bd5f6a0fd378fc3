"""Licences and index keys in the ledger."""

from __future__ import annotations

import sqlite3
from datetime import date
from pathlib import Path

import pytest

from offsider_issuer.claims import unverified
from offsider_issuer.errors import TermsError, UnknownLicense
from offsider_issuer.names import digest
from offsider_issuer.terms import Terms
from support.vendor import Vendor

NEXT = date(2028, 11, 24)


def audit(vendor: Vendor) -> list[str]:
    connection = sqlite3.connect(vendor.folder.ledger)
    try:
        return [row[0] for row in connection.execute("SELECT act FROM audit ORDER BY rowid")]
    finally:
        connection.close()


def test_only_the_hash_of_an_index_key_is_kept(vendor: Vendor) -> None:
    issued = vendor.sell("pro")
    with vendor.ledger() as ledger:
        holder = ledger.holder(issued.license.key_id)
    assert holder is not None
    assert holder.key_sha256 == digest(issued.index_key)
    assert issued.index_key.encode() not in everything(vendor.folder.path)


def everything(path: Path) -> bytes:
    return b"".join(one.read_bytes() for one in path.rglob("*") if one.is_file())


def test_two_customers_share_nothing(vendor: Vendor) -> None:
    one, other = vendor.sell("pro"), vendor.sell("pro")
    assert one.license.license_id != other.license.license_id
    assert one.license.key_id != other.license.key_id
    assert one.index_key != other.index_key


def test_a_renewal_has_its_own_id_and_the_same_index_key(vendor: Vendor) -> None:
    old = vendor.sell("pro").license
    with vendor.ledger() as ledger:
        new = ledger.renew(old.license_id, Terms("enterprise", NEXT, threads=100), vendor.key)
        holder = ledger.holder(old.key_id)
    assert (new.key_id, new.renews, new.customer) == (old.key_id, old.license_id, old.customer)
    assert unverified(new.token).aud == ["enterprise", "pro"]
    assert holder is not None
    assert [one.license_id for one in holder.licenses] == [old.license_id, new.license_id]


def test_a_revoked_licence_is_not_renewed_and_its_first_reason_stays(vendor: Vendor) -> None:
    sold = vendor.sell("pro").license
    with vendor.ledger() as ledger:
        ledger.revoke(sold.license_id, "refund")
        assert ledger.revoke(sold.license_id, "again").reason == "refund"
        with pytest.raises(TermsError, match="was revoked"):
            ledger.renew(sold.license_id, Terms("pro", NEXT), vendor.key)
    assert audit(vendor) == ["issue", "revoke"]


def test_a_new_key_replaces_the_old_one_and_no_other(vendor: Vendor) -> None:
    sold, other = vendor.sell("pro"), vendor.sell("pro")
    with vendor.ledger() as ledger:
        key = ledger.new_key(sold.license.key_id)
        changed, same = ledger.holder(sold.license.key_id), ledger.holder(other.license.key_id)
    assert changed is not None
    assert changed.key_sha256 == digest(key) != digest(sold.index_key)
    assert same is not None
    assert same.key_sha256 == digest(other.index_key)


def test_what_is_not_there_is_named(vendor: Vendor) -> None:
    with vendor.ledger() as ledger:
        with pytest.raises(UnknownLicense, match="'lic_x'"):
            ledger.find("lic_x")
        with pytest.raises(UnknownLicense, match="'key_x'"):
            ledger.new_key("key_x")
        assert ledger.holder("key_x") is None


def test_a_licence_that_is_over_is_not_issued_and_leaves_nothing(vendor: Vendor) -> None:
    with pytest.raises(TermsError, match="2026-11-23, which is over"):
        vendor.sell("pro", date(2026, 11, 23))
    with vendor.ledger() as ledger:
        assert ledger.licenses() == []
    assert audit(vendor) == []


def test_a_change_that_fails_halfway_leaves_nothing(vendor: Vendor) -> None:
    sold = vendor.sell("pro").license
    with vendor.ledger() as ledger:
        ledger._db.execute("CREATE TRIGGER no BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END")
        with pytest.raises(sqlite3.IntegrityError):
            ledger.revoke(sold.license_id, "refund")
        assert ledger.find(sold.license_id).revoked_s is None
