"""A key is 32 random bytes under a name; what is none is refused without being shown."""

from __future__ import annotations

import pytest

from offsider.errors import InvalidSetting
from offsider_enterprise.encryption.key import Key, checked_id, generate, made
from support.keys import text_of

SECRET = bytes(range(32))


def test_text_and_bytes_make_the_same_key() -> None:
    text = text_of("a")
    assert made("a", text, "test").fingerprint == made("a", f" {text}\n".encode(), "test").fingerprint
    assert made("a", SECRET, "test").fingerprint == Key("a", SECRET).fingerprint


def test_what_is_generated_is_a_key_and_never_the_same() -> None:
    assert made("a", generate(), "test").id == "a"
    assert generate() != generate()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("hunter2-hunter2", "15 letters that are no key"),
        (text_of("a")[:-4], "40 letters that are no key"),
        (text_of("a") + "AAAA", "48 letters that are no key"),
        (text_of("a")[:-1] + "!", "44 letters that are no key"),
        (b"short", "5 bytes that are no key"),
        (b"\xff" * 40, "40 bytes that are no key"),
        (None, "of the type NoneType"),
        (bytes(32), "only 1 different bytes"),
        (b"abc" * 10 + b"ab", "only 3 different bytes"),
    ],
)
def test_what_is_no_key_is_refused_and_not_shown(given: object, why: str) -> None:
    with pytest.raises(InvalidSetting, match=why) as caught:
        made("2026a", given, "variable SHOP_KEY")
    message = str(caught.value)
    assert "2026a" in message
    assert "variable SHOP_KEY" in message
    assert "keygen" in message
    assert not (isinstance(given, str) and len(given.strip()) > 5 and given.strip() in message)


def test_nothing_shows_the_secret() -> None:
    key = Key("a", SECRET)
    assert repr(key) == "<Key a 27bf0821>"
    assert SECRET not in repr(vars(key)).encode()


def test_the_parts_of_a_key_are_independent() -> None:
    key = Key("a", SECRET)
    assert key.digest(b"x") == Key("b", SECRET).digest(b"x")
    assert key.digest(b"x") != key.digest(b"y")
    assert not key.digest(b"").startswith(key.fingerprint.hex())


@pytest.mark.parametrize("key_id", ["", "a b", "a.b", "ä", "x" * 33, "a\n", 7, None], ids=repr)
def test_a_name_has_plain_letters(key_id: object) -> None:
    with pytest.raises(InvalidSetting, match="no name of a key"):
        checked_id(key_id)
    assert checked_id("2026-b_1") == "2026-b_1"
