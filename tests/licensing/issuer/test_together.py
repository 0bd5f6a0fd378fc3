"""The issuer and the licence check, side by side: what one gives, the other takes, by the same rule."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from offsider_issuer.claims import armour, unverified
from offsider_issuer.keys import public_keys
from offsider_issuer.records import License, Package
from offsider_issuer.terms import end_s
from offsider_licensing import LicenseExpired, LicenseForOther, LicenseRevoked, judge, require
from offsider_licensing import license as checked
from support.vendor import Vendor

DAYS = st.dates(date(2020, 1, 1), date(2100, 1, 1))
IDS = {"license_id": "lic_" + "a" * 16, "key_id": "key_" + "a" * 16}


def test_an_issued_file_opens_what_was_bought_and_no_more(vendor: Vendor, tmp_path: Path) -> None:
    sold = vendor.sell("pro", date(2027, 6, 30), grace_days=10).license
    path = tmp_path / "offsider.license"
    path.write_text(armour(sold.token, unverified(sold.token)))
    keys, now_s = public_keys(vendor.folder), vendor.clock()
    for given_as in (path, path.read_text(), sold.token):
        held = require("pro", built=None, license=given_as, keys=keys, now_s=now_s)
        assert (held.id, held.customer, held.key_id) == (sold.license_id, sold.customer, sold.key_id)
        assert (held.expires, held.grace_days) == ("2027-06-30", 10)
    with pytest.raises(LicenseForOther):
        require("enterprise", built=None, license=path, keys=keys, now_s=now_s)
    with pytest.raises(LicenseRevoked):
        require("pro", built=None, license=path, keys=keys, now_s=now_s, revoked={sold.license_id})
    with pytest.raises(LicenseExpired):
        require("pro", built="2027-07-01", license=path, keys=keys, now_s=end_s(date(2027, 7, 11)))


def test_an_enterprise_licence_opens_both_editions_and_has_its_threads(vendor: Vendor) -> None:
    sold = vendor.sell("enterprise", threads=200).license
    for edition in ("pro", "enterprise"):
        held = require(
            edition, built=None, license=sold.token, keys=public_keys(vendor.folder), now_s=vendor.clock()
        )  # fmt: skip
        assert held.threads == 200


@given(built=DAYS, ends=DAYS)
@example(built=date(2027, 6, 30), ends=date(2027, 6, 30))
@example(built=date(2027, 7, 1), ends=date(2027, 6, 30))
def test_the_index_lists_for_ever_what_runs_for_ever(built: date, ends: date) -> None:
    ours = License(
        **IDS, customer="A", edition="pro", issued_s=0, ends_s=end_s(ends), grace_days=30, threads=None, renews=None,
        token="",
    )  # fmt: skip
    theirs = checked.License(
        id=ours.license_id, customer="A", editions=("pro",), threads=None, issued_s=0, expires_s=ours.ends_s,
        grace_days=30, key_id=ours.key_id, source="",
    )  # fmt: skip
    package = Package("x.whl", "offsider-pro", "1", "", "", 0, "", built, 0)
    years_later = judge(theirs, now_s=end_s(date(2150, 1, 1)), built=built.isoformat())
    assert ours.covers(package) == years_later.holds
