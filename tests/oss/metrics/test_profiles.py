"""Profiles are kept for a day, listed without their data, and read one by one."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from offsider import App, clock
from offsider.errors import Malformed, NotJson
from offsider.metrics import profiles
from offsider.metrics.profiles import Profile

AT = datetime(2025, 2, 14, 8, 3, 1, tzinfo=UTC)
DATA = gzip.compress(b'{"a":1}')
ONE = Profile("mine", "b4a5", "shop.buy", "mail", AT, 1.25, "", len(DATA), "pyinstrument", DATA)


def test_what_is_kept_is_listed_and_read(app: App, raw: Any) -> None:
    app.profiles.keep(ONE)
    assert app.profiles.all() == [replace(ONE, data=None)]
    assert app.profiles.get("mine-b4a5") == ONE
    assert ONE.json() == b'{"a":1}'
    assert 86_000 < raw.ttl("{offsider}:mine-b4a5") <= 86_400
    assert raw.zscore("{offsider}:profiles", "mine-b4a5") == pytest.approx(clock.now_s() + 86_400, abs=60)
    assert raw.hget("{offsider}:mine-b4a5", "type") == b"shop.buy"


def test_tokens_with_hyphens_are_told_apart_from_ids(app: App) -> None:
    app.profiles.keep(replace(ONE, token="a-b-c"))
    found = app.profiles.get("a-b-c-b4a5")
    assert found is not None
    assert found.token == "a-b-c"


def test_the_newest_is_first_and_what_is_over_is_gone(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = clock.now_s()
    for number in range(3):
        monkeypatch.setattr(clock, "now_s", lambda number=number: now_s + number)
        app.profiles.keep(replace(ONE, jid=f"jid{number}"))
    assert [one.jid for one in app.profiles.all()] == ["jid2", "jid1", "jid0"]
    monkeypatch.setattr(clock, "now_s", lambda: now_s + 86_401)
    assert [one.jid for one in app.profiles.all()] == ["jid2"]


def test_one_that_is_gone_is_none(app: App) -> None:
    app.profiles.keep(ONE)
    assert app.profiles.delete("mine-b4a5")
    assert not app.profiles.delete("mine-b4a5")
    assert app.profiles.get("mine-b4a5") is None
    assert app.profiles.all() == []


@pytest.mark.parametrize("name", ["bell-schedule", "it-b4a5", "0123"])
def test_a_name_that_is_no_profiles_touches_no_other_key(app: App, raw: Any, name: str) -> None:
    key = app.keys.profile(*name.rpartition("-")[::2])
    raw.hset(key, "c", "7") if name.startswith("it") else raw.lpush(key, "1")
    assert app.profiles.get(name) is None
    assert not app.profiles.delete(name)
    assert raw.exists(key)


def test_the_same_run_again_takes_its_place(app: App) -> None:
    app.profiles.keep(ONE)
    app.profiles.keep(replace(ONE, failed="ValueError"))
    assert [one.failed for one in app.profiles.all()] == ["ValueError"]


def test_one_that_is_too_large_is_refused(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "MOST_BYTES", 5)
    with pytest.raises(NotJson, match="the most is 5"):
        app.profiles.keep(ONE)


def test_one_of_rubys_is_listed_and_read_as_it_is(app: App, raw: Any) -> None:
    fields = {"started_at": "2025-02-14T08:03:01Z", "token": "ruby", "type": "Buy", "jid": "b4", "elapsed": "0.5",
              "data": DATA, "size": len(DATA), "sid": ""}  # fmt: skip
    raw.hset("{offsider}:ruby-b4", mapping=fields)
    raw.zadd("{offsider}:profiles", {"ruby-b4": clock.now_s() + 100})
    (listed,) = app.profiles.all()
    assert (listed.job, listed.format) == ("Buy", "")
    found = app.profiles.get("ruby-b4")
    assert found is not None
    assert found.json() == b'{"a":1}'
    pytest.importorskip("pyinstrument")  # which reads what is its own, and says what is not
    for look in (found.text, found.html, found.speedscope):
        with pytest.raises(Malformed, match="is not pyinstrument's"):
            look()
