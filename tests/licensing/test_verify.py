"""No forgery and no damage passes, and none of them crashes or hangs the process that reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offsider_licensing import License, LicenseError, LicenseForged, LicenseMalformed, examine, require
from support.forgeries import ALL, BUILT, REVOKED, Forgery
from support.signer import MISSING, NOW_S, Signer, armoured, as_json

SIGNER = Signer()
GOOD = SIGNER.token()


def ask(text: str | bytes, tmp_path: Path) -> License:
    """The gate, with a licence in a file."""
    path = tmp_path / "offsider.license"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    return require("pro", built=BUILT, license=path, env={}, now_s=NOW_S, keys=SIGNER.keys, revoked={REVOKED})


@pytest.mark.parametrize("name", ALL)
def test_a_bad_licence_is_refused_for_what_is_wrong_with_it(name: str, tmp_path: Path) -> None:
    forgery: Forgery = ALL[name]
    made = forgery.make(SIGNER)
    with pytest.raises(forgery.refusal) as refused:
        ask(made, tmp_path)
    said = str(refused.value)
    assert refused.value.looked[-1].found in ("a file", "not readable")
    assert refused.value.remedy in said
    assert said.isprintable(), "one line, and nothing that a terminal obeys"
    text = made if isinstance(made, str) else made.decode("utf-8", "replace")
    assert not [word for word in text.split() if len(word) > 40 and word in said], "the licence itself is never shown"


def test_there_are_many() -> None:
    assert len(ALL) >= 150


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"{GOOD}\n",
        f"  \n\n{GOOD} \t\r\n \n",
        armoured(GOOD),
        armoured(GOOD, Customer="Škoda & Töchter 株式会社"),
        armoured(GOOD).replace("\n", "\r\n"),
        armoured(GOOD).replace("\n", " \t\n"),
        "\ufeff" + armoured(GOOD),
        armoured(GOOD).rstrip("\n"),
        "\n".join(line for line in armoured(GOOD).split("\n") if ": " not in line),
        "\n".join(line for line in armoured(GOOD).split("\n") if line and ": " not in line),
    ],
    ids=[
        *("bare", "a line", "blanks around", "armoured", "other letters in a header", "CRLF", "trailing blanks"),
        *("byte order mark", "no end of line", "no headers", "no headers and no empty line"),
    ],
)
def test_a_good_licence_is_taken_in_every_form_that_it_may_have(text: str, tmp_path: Path) -> None:
    assert ask(text, tmp_path).id == "lic_abcdefghij234567"


def test_headers_of_the_armour_are_not_trusted(tmp_path: Path) -> None:
    held = ask(armoured(GOOD, Customer="Mallory", Edition="everything", Expires="9999-12-31"), tmp_path)
    assert (held.customer, held.editions, held.expires) == ("Acme Pty Ltd", ("enterprise", "pro"), "2027-04-25")


def test_claims_of_later_versions_are_ignored(tmp_path: Path) -> None:
    token = SIGNER.token(seats=7, limits={"threads": 5, "hosts": 3}, nested={"a": [1, 2]})
    assert ask(token, tmp_path).threads == 5


def test_every_byte_of_a_token_counts() -> None:
    for at, letter in enumerate(GOOD):
        for other in ("A", "B", "_", "-", ".", "0", chr(ord(letter) ^ 1), chr(ord(letter) ^ 32)):
            if other != letter:
                with pytest.raises(LicenseError):
                    examine(GOOD[:at] + other + GOOD[at + 1 :] + " \n", env={}, keys=SIGNER.keys)


def test_every_cut_and_every_doubled_letter_of_a_token_is_noticed() -> None:
    for at in range(1, len(GOOD)):
        for text in (GOOD[:at], GOOD[at:], GOOD[:at] + GOOD[at - 1 :], GOOD[: at - 1] + GOOD[at:]):
            with pytest.raises(LicenseError):
                examine(f"{text}\n", env={}, keys=SIGNER.keys)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_file_with_any_changed_bytes_is_refused_or_says_the_same(data: st.DataObject) -> None:
    raw = bytearray(armoured(GOOD).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    text = raw.decode("utf-8", "replace")
    try:
        held = examine(f"{text}\n", env={}, keys=SIGNER.keys)
    except LicenseError:
        return
    assert (held.id, held.expires_s, held.threads, held.editions) == (
        "lic_abcdefghij234567", SIGNER.claims()["exp"], 100, ("enterprise", "pro"),
    )  # fmt: skip


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_whatever_was_signed_it_is_a_licence_or_refused(payload: bytes) -> None:
    with pytest.raises(LicenseError):
        examine(SIGNER.sign(as_json(SIGNER.header()), payload), env={}, keys=SIGNER.keys)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(SIGNER.claims())), JSON)
@settings(max_examples=300, deadline=None)
def test_a_claim_of_any_value_is_taken_as_it_is_or_refused(name: str, value: object) -> None:
    token = SIGNER.sign(as_json(SIGNER.header()), _loose(SIGNER.claims(**{name: value})))
    try:
        held = examine(token, env={}, keys=SIGNER.keys)
    except LicenseError:
        return
    kept = {"sub": held.customer, "aud": list(held.editions), "iat": held.issued_s, "exp": held.expires_s}
    kept |= {"grace_days": held.grace_days, "jti": held.id, "key_id": held.key_id, "iss": "offsider"}
    if name in kept:
        assert kept[name] == value
        assert type(kept[name]) is type(value)


@given(JSON)
@settings(max_examples=200, deadline=None)
def test_a_header_of_any_kind_is_refused(value: object) -> None:
    with pytest.raises((LicenseForged, LicenseMalformed)):
        examine(SIGNER.sign(_loose(value), as_json(SIGNER.claims())), env={}, keys=SIGNER.keys)


def test_a_damaged_key_of_ours_is_said_to_be_that() -> None:
    with pytest.raises(LicenseForged, match="'test-1' has 5 bytes, not 32: reinstall"):
        examine(GOOD, env={}, keys={"test-1": "c2hvcnQ="})


def test_without_any_key_nothing_passes() -> None:
    with pytest.raises(LicenseForged, match="it knows none"):
        examine(GOOD, env={}, keys={})


def test_a_licence_of_the_second_key_is_taken() -> None:
    second = Signer("test-2")
    assert examine(second.token(), env={}, keys={**SIGNER.keys, **second.keys}).customer == "Acme Pty Ltd"
    with pytest.raises(LicenseForged):
        examine(second.token(header=second.header(kid="test-1")), env={}, keys={**SIGNER.keys, **second.keys})


def test_an_enterprise_licence_without_a_limit_has_none() -> None:
    assert examine(SIGNER.token(limits={"threads": None}), env={}, keys=SIGNER.keys).threads is None
    assert "sub" not in SIGNER.claims(sub=MISSING)


def _loose(value: object) -> bytes:
    return json.dumps(value).encode("utf-8", "replace")
