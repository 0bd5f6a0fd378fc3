"""A licence as it is signed and written: what any reader of the format must find, and what is refused."""

from __future__ import annotations

import base64
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offsider_issuer.claims import BEGIN, END, armour, kid_of, sign, token_of, unverified, verified
from offsider_issuer.errors import InvalidLicense
from offsider_issuer.keys import create, public_keys
from support.vendor import Vendor


@pytest.fixture
def issued(vendor: Vendor) -> str:
    """A token."""
    return vendor.sell("enterprise", threads=200).license.token


def test_any_library_for_tokens_can_verify_it(vendor: Vendor, issued: str) -> None:
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(vendor.key.public))
    claims: dict[str, Any] = jwt.decode(issued, public, algorithms=["EdDSA"], audience="pro", issuer="offsider",
                                        options={"verify_exp": False, "verify_iat": False})  # fmt: skip
    assert jwt.get_unverified_header(issued) == {"alg": "EdDSA", "kid": "2026-test", "typ": "JWT"}
    assert claims["sub"] == "Customer of enterprise"
    assert claims["aud"] == ["enterprise", "pro"]
    assert claims["exp"] - claims["iat"] > 364 * 86_400
    assert (claims["grace_days"], claims["limits"]) == (30, {"threads": 200})
    assert claims["jti"].startswith("lic_")
    assert claims["key_id"].startswith("key_")
    assert len(claims["jti"]) == len(claims["key_id"]) == 20


def test_the_file_has_a_frame_lines_for_people_and_64_columns(issued: str) -> None:
    lines = armour(issued, unverified(issued)).splitlines()
    assert lines[:5] == [BEGIN, "Customer: Customer of enterprise", "Edition: Enterprise", "Expires: 2027-11-24", ""]
    assert lines[-1] == END
    assert {len(line) for line in lines[5:-2]} == {64}
    assert "".join(lines[5:-1]) == issued


def test_a_file_and_its_token_are_the_same_licence_however_they_were_mailed(issued: str) -> None:
    text = armour(issued, unverified(issued))
    for sent in (text, text.replace("\n", "\r\n"), f"\ufeff{text}", text.replace("\n", " \n"), f"{issued}\n", issued):
        assert token_of(sent) == issued


@pytest.mark.parametrize("text", ["", "evaluation", "a.b", f"{BEGIN}\n{END}", f"{BEGIN}\n\nx\n{END}", "x" * 20_000])
def test_what_is_no_licence_is_refused(text: str) -> None:
    with pytest.raises(InvalidLicense):
        token_of(text)


def test_only_the_keys_of_the_folder_are_believed(vendor: Vendor, issued: str) -> None:
    keys = public_keys(vendor.folder)
    assert verified(issued, keys).limits.threads == 200
    with pytest.raises(InvalidLicense, match="'2026-test', which this version does not know"):
        verified(issued, {})
    other = create(vendor.folder, "other")
    with pytest.raises(InvalidLicense, match="signature does not hold"):
        verified(sign(unverified(issued), "2026-test", other.private), keys)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(data=st.data())
def test_a_changed_token_is_refused_cleanly(vendor: Vendor, issued: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(issued) - 2))
    letter = data.draw(st.sampled_from("ABCDEFabcdef019-_.") | st.characters(max_codepoint=300))
    changed = f"{issued[:place]}{letter}{issued[place + 1 :]}"
    if changed != issued:
        with pytest.raises(InvalidLicense):
            verified(token_of(changed), public_keys(vendor.folder))


@pytest.mark.parametrize("body", ["[]", "null", '{"iss":"offsider"}', "[" * 100_000, "nonsense", '{"exp":1e999}'])
def test_a_token_with_other_claims_is_refused_cleanly(body: str) -> None:
    token = ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in ("{}", body, "x"))
    with pytest.raises(InvalidLicense):
        unverified(token)
    with pytest.raises(InvalidLicense):
        kid_of(token)
