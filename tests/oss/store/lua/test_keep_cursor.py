"""keep_cursor.lua: the owner writes how far its job is; nobody else does."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from support.lua import OWNER, Lua

FIELD, PAYLOAD, JID = "1:default", b'{"jid":"j1"}', "j1"
KEPT_S = 1000


def keep(lua: Lua, fields: dict[str, str], payload: bytes = b"", owner: str = OWNER) -> Any:
    """The script's reply."""
    keys = [lua.keys.owners, lua.keys.inflight(owner), lua.keys.cursor(JID)]
    words = [word for pair in fields.items() for word in pair]
    return lua.run("keep_cursor", keys, [owner, FIELD, KEPT_S, payload, *words])


@pytest.fixture
def held(lua: Lua) -> Lua:
    """A server on which our job is in flight."""
    lua.lease()
    lua.hold({FIELD: PAYLOAD})
    return lua


def test_the_fields_are_written_and_last_for_a_while(held: Lua) -> None:
    key = held.keys.cursor(JID)
    assert keep(held, {"c": "7", "ex": "1"}) == [1, None]
    assert held.client.hgetall(key) == {b"c": b"7", b"ex": b"1"}
    assert KEPT_S - 5 < held.client.ttl(key) <= KEPT_S
    held.client.expire(key, 10)
    keep(held, {"c": "8", "ex": "1"})
    assert held.client.hget(key, "c") == b"8"
    assert held.client.ttl(key) > 10, "from the last time on"
    assert held.held() == {FIELD: PAYLOAD}


def test_who_only_asks_writes_nothing_and_hears_of_a_cancellation(held: Lua) -> None:
    assert keep(held, {}) == [1, None]
    assert not held.client.exists(held.keys.cursor(JID))
    held.client.hset(held.keys.cursor(JID), "cancelled", "1755432000")
    assert keep(held, {}) == [1, b"1755432000"]
    assert keep(held, {"c": "7"}) == [1, b"1755432000"]


def test_the_payload_in_flight_is_changed_in_the_same_step(held: Lua) -> None:
    keep(held, {"c": "7"}, b"new")
    assert held.held() == {FIELD: b"new"}


@pytest.mark.parametrize("missing", ["lease", "job", "both"])
def test_who_is_not_the_owner_changes_nothing(lua: Lua, missing: str) -> None:
    if missing == "job":
        lua.lease()
        lua.hold({"2:default": PAYLOAD})
    if missing == "lease":
        lua.hold({FIELD: PAYLOAD})
    lua.client.hset(lua.keys.cursor(JID), "c", "100")
    before = lua.snapshot()
    assert keep(lua, {"c": "7"}, b"new") == [0, None]
    assert lua.snapshot() == before


def test_a_full_redis_refuses_all_of_it(held: Lua) -> None:
    before = held.snapshot()
    with held.full(), pytest.raises(redis.ResponseError):
        keep(held, {"c": "7"}, b"new")
    assert held.snapshot() == before
