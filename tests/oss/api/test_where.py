"""Conditions: what the server filters by is never narrower than what is asked for."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from offsider.api.where import EVERY, Where
from offsider.errors import InvalidOption
from offsider.job.record import dumps, loads


def test_nothing_given_means_all() -> None:
    assert EVERY.is_all
    assert EVERY.fits({}, b"")
    assert not Where(jids=[]).is_all
    assert not Where(jids=[]).fits({"jid": "a"}, b"")


@pytest.mark.parametrize(
    ("conditions", "fits"),
    [
        ({"name": "shop.buy"}, True), ({"name": "shop"}, False), ({"queue": "default"}, True), ({"queue": "a"}, False),
        ({"error": "Out"}, True), ({"error": "shop.Out"}, True), ({"error": "ut"}, False), ({"tag": "a"}, True),
        ({"tag": "A"}, False), ({"text": "TEA"}, True), ({"text": "tee"}, False), ({"jids": {"j1", "j2"}}, True),
        ({"jids": ["j2"]}, False), ({"tag": "a", "text": "tee"}, False),
    ],
)  # fmt: skip
def test_all_that_is_given_must_hold(conditions: dict[str, Any], fits: bool) -> None:
    record = {"class": "shop.buy", "args": ["tea"], "jid": "j1", "error_class": "shop.Out", "tags": ["a"]}
    assert Where(**conditions).fits(record, dumps(record)) is fits


@pytest.mark.parametrize("wrong", [{"text": ""}, {"name": 7}, {"tag": "x" * 1001}, {"jids": "j1"}, {"jids": [1]}])
def test_what_cannot_be_is_refused_with_its_value(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidOption, match=f"{next(iter(wrong))} is .*: expected"):
        Where(**wrong)


def test_ten_thousand_ids_are_the_most() -> None:
    Where(jids=[str(k) for k in range(10_000)])
    with pytest.raises(InvalidOption, match="10,001 ids"):
        Where(jids=[str(k) for k in range(10_001)])


TEXTS = ["a*b", "[x]", "q?", "back\\slash", 'quo"te', "tab\t", "é", "ÀB", "^-]", "new\nline", "plain"]


@pytest.mark.parametrize("text", TEXTS)
def test_the_server_finds_every_text_that_fits(text: str, raw: redis.Redis) -> None:
    payload = dumps({"class": text, "args": [], "jid": "j1", "tags": [text]})
    raw.zadd("set", {payload: 1.0, b"other": 2.0})
    for where in (Where(text=text), Where(name=text), Where(tag=text)):
        _cursor, found = raw.zscan("set", match=where.pattern)
        assert [member for member, _score in found] == [payload]
        assert where.fits({"class": text, "tags": [text]}, payload)


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20))
def test_what_is_in_a_payload_fits(text: str) -> None:
    payload = dumps({"class": "job", "args": [f"before {text} after"], "jid": "j1"})
    assert Where(text=text).fits({}, payload)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"class":"caf\\u00e9","args":[],"jid":"1"}', b'{"class":"a\\/b","args":[],"jid":"1"}',
        b'{"class":"caf\xc3\xa9","args":[],"jid":"1"}',
    ],
)  # fmt: skip
def test_what_other_programs_write_is_passed_over_only_where_it_is_certain(raw: bytes) -> None:
    """The same letters may be written in several ways; a look at the bytes spares reading them, and misses none."""
    record = loads(raw)
    assert Where(name=record["class"]).fits(record, raw)
    assert Where(name=record["class"]).may_fit(raw)


@given(st.text(min_size=1, max_size=20), st.sampled_from(["name", "tag", "error", "text"]))
def test_bytes_that_fit_may_fit(text: str, condition: str) -> None:
    record = {"class": text, "args": [text], "jid": "j", "queue": "q", "tags": [text], "error_class": text}
    raw = dumps(record)
    where = Where(**{condition: text})
    assert where.may_fit(raw) or not where.fits(record, raw)
    assert not Where(**{condition: "not in there at all"}).may_fit(b'{"class":"a","args":[]}')
