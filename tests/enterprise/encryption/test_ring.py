"""A ring finds the key of a token, says loudly and once which is missing, and asks whoever keeps keys."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from offsider import clock
from offsider.errors import InvalidSetting
from offsider_enterprise.encryption.key import Key, made
from offsider_enterprise.encryption.ring import KeyMissing, KeyRing
from offsider_enterprise.encryption.token import Place, Token, parse, seal
from support.keys import text_of

PLACE = Place("shop", "j1", "pay", "arguments")


def key(name: str, secret: str | None = None) -> Key:
    return made(name, text_of(secret or name), "test")


def token(of: Key) -> Token:
    return parse(seal("x", of, PLACE), "arguments")


def test_the_first_encrypts_and_the_last_makes_digests() -> None:
    ring = KeyRing([key("new"), key("old")])
    assert ring.active.id == "new"
    assert ring.digest(b"x") == key("old").digest(b"x")
    assert ring.find(token(key("old"))).id == "old"
    assert ring.ids == ["new", "old"]


def test_both_may_be_named() -> None:
    ring = KeyRing([key("new"), key("old")], active="old", digest="new")
    assert ring.active.id == "old"
    assert ring.digest(b"x") == key("new").digest(b"x")


@pytest.mark.parametrize(
    ("keys", "settings", "why"),
    [
        ([], {}, "there is no key to encrypt with"),
        ([key("a")], {"active": "b"}, "enterprise.encryption.active is 'b', which is none of the keys: a"),
        ([key("2026a")], {"digest": "2026b"}, "Did you mean '2026a'"),
        ([key("a"), key("a", "b")], {}, "two keys have the name 'a'"),
        ([key("a"), key("b", "a")], {}, "'a' and 'b' are the same secret"),
    ],
)
def test_a_ring_that_cannot_be_is_refused(keys: list[Key], settings: Any, why: str) -> None:
    with pytest.raises(InvalidSetting, match=why):
        KeyRing(keys, **settings)


def test_a_missing_key_holds_the_job_and_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    alarms: list[str] = []
    ring = KeyRing([key("new")], alarm=alarms.append)
    for _ in range(3):
        with pytest.raises(KeyMissing, match="the key 'old', which this process does not have") as caught:
            ring.find(token(key("old")))
    assert caught.value.key_id == "old"
    assert caught.value.delay_s > 0
    assert alarms == ["old"]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "enterprise.encryption.keys" in caplog.text


def test_another_secret_under_the_same_name_is_a_missing_key() -> None:
    ring = KeyRing([key("new")])
    stranger = token(key("new", "other"))
    assert not ring.has(stranger)
    with pytest.raises(KeyMissing, match="another key 'new'"):
        ring.find(stranger)


def test_names_out_of_redis_do_not_fill_the_memory(caplog: pytest.LogCaptureFixture) -> None:
    ring = KeyRing([key("new")], fetch=lambda _name: None)
    with caplog.at_level(logging.CRITICAL):
        for number in range(1100):
            with pytest.raises(KeyMissing):
                ring.find(Token(f"k{number}", b"abcd", b""))
    assert len(ring._alarmed) <= 1000
    assert len(ring._ask_again_s) <= 1000


# -- keys that are fetched ---------------------------------------------------------------------------------------


@pytest.fixture
def clocked(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    now = [1000.0]
    monkeypatch.setattr(clock, "monotonic_s", lambda: now[0])

    def step(seconds: float) -> None:
        now[0] += seconds

    return step


def test_a_key_is_fetched_once_when_it_is_needed(clocked: Callable[[float], None]) -> None:
    asked: list[str] = []

    def fetch(name: str) -> str | None:
        asked.append(name)
        return text_of(name)

    ring = KeyRing([], active="new", fetch=fetch)
    for _ in range(3):
        assert ring.find(token(key("old"))).id == "old"
    assert asked == ["new", "old"]
    assert ring.ids == ["new", "old"]


def test_one_that_is_not_there_is_asked_for_again_later(clocked: Callable[[float], None]) -> None:
    there: dict[str, str] = {"new": text_of("new")}
    asked: list[str] = []

    def fetch(name: str) -> str | None:
        asked.append(name)
        return there.get(name)

    ring = KeyRing([], active="new", fetch=fetch)
    for _ in range(5):
        with pytest.raises(KeyMissing):
            ring.find(token(key("old")))
    assert asked == ["new", "old"]
    there["old"] = text_of("old")
    clocked(11)
    assert ring.find(token(key("old"))).id == "old"


def test_an_error_of_who_fetches_holds_the_job(clocked: Callable[[float], None], caplog: Any) -> None:
    def fetch(name: str) -> str:
        if name == "new":
            return text_of("new")
        raise OSError("the vault is sealed")

    ring = KeyRing([], active="new", fetch=fetch)
    with pytest.raises(KeyMissing):
        ring.find(token(key("old")))
    assert "the vault is sealed" in caplog.text


def test_one_that_gives_no_key_for_the_active_name_is_refused() -> None:
    with pytest.raises(InvalidSetting, match=r"encryption_keys\('new'\) has given no key"):
        KeyRing([], active="new", fetch=lambda _name: None)
    with pytest.raises(InvalidSetting, match="7 letters that are no key"):
        KeyRing([], active="new", fetch=lambda _name: "hunter2")
